import type { Finding } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { KEYS_FILE, readRepositoryKeys } from "../../keys/key-files.ts";
import { checkRepository } from "../../repository/check.ts";
import type { Repository } from "../../repository/marker.ts";
import { readingKey } from "../../runner/repository-keys.ts";
import type { Answer } from "../answer.ts";
import { contentChecker } from "../check-content.ts";
import { EXIT, worstOf } from "../exit-codes.ts";
import { countText } from "../format.ts";
import { type GlobalOptions, type Host, withHost } from "../host.ts";
import { askedRepositories, type Origin, originOf, originText } from "../repositories.ts";
import { findingLines } from "./repository.ts";

export type CheckOptions = GlobalOptions & { content: boolean; recoveryFile?: string };

type Checked = {
  repository_id: string;
  path: string;
  origin: Origin;
  disks: number;
  backups: number;
  findings: Finding[];
  unproven: string[];
};

/**
 * `holdfast-agent repository check`: reads every byte of every backup unless `--no-content`. Changes nothing, not even
 * evidence. Anything found exits 3; when the content of a backup could not be looked at, 4.
 */
export async function check(idOrPath: string | undefined, options: CheckOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const checked: Checked[] = [];
    for (const repository of await askedRepositories(host, idOrPath))
      checked.push(await checkOne(host, repository, options));
    host.progress.clear();
    const codes = checked.map(({ findings, unproven }) =>
      findings.length > 0 ? EXIT.damage : unproven.length > 0 ? EXIT.inconclusive : EXIT.ok,
    );
    return {
      document: { repositories: checked, warnings: host.warnings },
      text: () => checked.map((one) => checkText(one, options.content)).join("\n"),
      exitCode: worstOf([...host.troubles, ...codes]),
    };
  });
}

async function checkOne(host: Host, repository: Repository, options: CheckOptions): Promise<Checked> {
  const keyFile = await checkKeysFile(repository);
  const { state_dir } = host.config;
  const keys = options.content ? await readingKey(state_dir, repository, options.recoveryFile) : null;
  const content = contentChecker(host, keys);
  const result = await checkRepository(repository, options.content ? { verifyBackup: content.check } : {});
  return {
    repository_id: repository.repositoryId,
    path: repository.path,
    origin: originOf(host.config, repository.path),
    disks: result.disks,
    backups: result.backups,
    findings: [...keyFile, ...result.findings],
    unproven: content.unproven,
  };
}

/** The file from which a recovery key opens everything is worth a look of its own. */
async function checkKeysFile(repository: Repository): Promise<Finding[]> {
  try {
    await readRepositoryKeys(repository.path);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "REPOSITORY_DAMAGED") throw error;
    return [{ code: "KEYS_DAMAGED", message: error.message, file: KEYS_FILE }];
  }
}

function checkText(checked: Checked, content: boolean): string {
  const { repository_id, path, origin, disks, backups, findings, unproven } = checked;
  const unread = unproven.length === 0 ? "every byte was read" : `the content of ${unproven.length} could not be read`;
  const what = content ? unread : "the content was not read";
  const extent = `${countText(backups, "backup")} of ${countText(disks, "disk")}, ${what}`;
  const verdict = findings.length === 0 ? "Nothing wrong was found." : `${countText(findings.length, "finding")}:`;
  const open = unproven.length === 0 ? [] : ["Not proven either way:", ...unproven.map((line) => `  ${line}`)];
  const title = `Repository ${repository_id} in ${path}${originText(origin)}: ${extent}.`;
  return [title, verdict, ...findingLines(findings), ...open].join("\n");
}
