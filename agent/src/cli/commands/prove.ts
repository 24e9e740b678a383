/** `verify` and `drill`: they choose backups in the same way and differ in what they do to each. */
import type { Drill, Verification } from "@holdfast/protocol";
import type { ItemRuns } from "../../runner/context.ts";
import { withItem } from "../../runner/item-lock.ts";
import { drillTarget, type ProofOptions, verifyTarget } from "../../runner/prove-target.ts";
import { readingKey } from "../../runner/repository-keys.ts";
import type { Target } from "../../runner/target.ts";
import type { Answer } from "../answer.ts";
import { EXIT, exitCodeOfProof, worstOf } from "../exit-codes.ts";
import { bytesText, secondsText, stateWord } from "../format.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { table } from "../table.ts";
import { findTargets } from "../targets.ts";

export type ProveOptions = GlobalOptions & { all?: boolean; repository?: string; recoveryFile?: string };

/** `holdfast-agent verify [BACKUP_ID|ITEM]`. `failed` exits 3, `error` and `skipped` exit 4. */
export async function verify(what: string | undefined, options: ProveOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const results = await proveEach(host, what, options, "verification", verifyTarget);
    return answer(host, "verifications", results, verifyText(results));
  });
}

/** `holdfast-agent drill [BACKUP_ID|ITEM]`. `failed` exits 3, `inconclusive` and `skipped` exit 4. */
export async function drill(what: string | undefined, options: ProveOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const results = await proveEach(host, what, options, "drill", drillTarget);
    return answer(host, "drills", results, drillText(results));
  });
}

async function proveEach<Result>(
  host: Host,
  what: string | undefined,
  options: ProveOptions,
  purpose: string,
  prove: (runs: ItemRuns, target: Target, options: ProofOptions) => Promise<Result>,
): Promise<Result[]> {
  const { repository, recoveryFile } = options;
  const targets = await findTargets(host, { what, all: options.all === true, repository });
  const context = await runContext(host);
  const results: Result[] = [];
  for (const target of targets) {
    const keys = await readingKey(host.config.state_dir, target.repository, recoveryFile);
    const { vmContextId } = target.disk.disk;
    const work = (runs: ItemRuns) => prove(runs, target, { keys });
    results.push(await withItem(context, vmContextId, `${purpose} of ${target.backupId}`, work));
  }
  return results;
}

function answer(host: Host, name: string, results: (Verification | Drill)[], text: () => Promise<string>): Answer {
  return {
    document: { [name]: results, warnings: host.warnings },
    text: results.length === 0 ? () => "There is no backup yet." : text,
    exitCode: worstOf([
      ...host.troubles,
      ...(results.length === 0 ? [EXIT.inconclusive] : results.map(exitCodeOfProof)),
    ]),
  };
}

function verifyText(results: readonly Verification[]) {
  return async (): Promise<string> => {
    const rows = results.map((one) => [
      one.backup_id,
      stateWord(one.status),
      bytesText(one.bytes_checked),
      secondsText(one.duration_seconds),
      one.cached ? "yes" : "no",
    ]);
    const head = ["BACKUP", "VERIFIED", "READ", "TIME", "CACHED"];
    return [await table(head, rows), ...results.flatMap(reasonLines)].join("\n");
  };
}

function drillText(results: readonly Drill[]) {
  return async (): Promise<string> => {
    const rows = results.map((one) => [
      one.backup_id,
      stateWord(one.status),
      bytesText(one.restored_bytes),
      one.restore_seconds === null ? "-" : secondsText(one.restore_seconds),
    ]);
    const head = ["BACKUP", "DRILL", "RESTORED", "RESTORE TIME"];
    return [await table(head, rows), ...results.flatMap(reasonLines)].join("\n");
  };
}

/** Why a result is what it is, and what was found, for all that did not simply pass. */
export function reasonLines(one: Verification | Drill): string[] {
  if (one.status === "passed") return [];
  const found = one.findings.map(({ code, message }) => `  ${code}: ${message}`);
  const more = one.findings_total - one.findings.length;
  return ["", `${one.backup_id}: ${one.reason}`, ...found, ...(more > 0 ? [`  and ${more} more`] : [])];
}
