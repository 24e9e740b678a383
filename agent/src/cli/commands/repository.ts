/** `holdfast-agent repository init|list|import`. */
import { basename, resolve } from "node:path";
import type { Finding, Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, placedBackups, readCatalogue } from "../../repository/catalogue.ts";
import {
  type Evidence,
  type EvidenceOf,
  latestDrill,
  latestVerdict,
  readAllEvidence,
} from "../../repository/evidence.ts";
import { importRepository } from "../../repository/import.ts";
import { initRepository, repositoryKind } from "../../repository/marker.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT, worstOf } from "../exit-codes.ts";
import { bytesText, countText, stateWord, timeText } from "../format.ts";
import { type GlobalOptions, withHost } from "../host.ts";
import { askedRepositories, configuredRepository, type Origin, originOf, originText } from "../repositories.ts";
import { table } from "../table.ts";

export type InitOptions = GlobalOptions & { id?: string; kind?: string };

/** Makes a repository at a path, or the configured one of that id; one that exists is only opened. */
export async function init(idOrPath: string, options: InitOptions): Promise<Answer> {
  return await withHost(options, async ({ config, warnings }) => {
    const entry = configuredRepository(config, idOrPath);
    const kind = repositoryKind.safeParse(options.kind ?? entry?.kind ?? "local");
    if (!kind.success) throw usageError(`--kind ${options.kind} is not known`, "Use local, nfs or cifs.");
    const path = entry?.path ?? resolve(idOrPath);
    const id = options.id ?? entry?.repository_id ?? basename(path);
    const made = await initRepository(path, id, kind.data);
    const ready = `The repository ${made.repositoryId} is ready in ${made.path}.`;
    const key = `It is to be encrypted. Next: holdfast-agent repository key create ${made.repositoryId} --recovery-out FILE`;
    return {
      document: { repository_id: made.repositoryId, path: made.path, kind: kind.data, warnings },
      text: () => (entry?.encryption === true ? `${ready}\n${key}` : ready),
      exitCode: EXIT.ok,
    };
  });
}

type Listed = { disk: CatalogueDisk; evidence: EvidenceOf };

/** Every restore point with what is proven about it. Damage is listed and exits 3. */
export async function list(idOrPath: string | undefined, options: GlobalOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const all: { repository_id: string; path: string; origin: Origin; listed: Listed[] }[] = [];
    for (const { repositoryId, path } of await askedRepositories(host, idOrPath)) {
      const listed: Listed[] = [];
      for (const disk of await readCatalogue({ repositoryId, path }))
        listed.push({ disk, evidence: await readAllEvidence(disk) });
      all.push({ repository_id: repositoryId, path, origin: originOf(host.config, path), listed });
    }
    const findings = all.flatMap(({ listed }) => listed.flatMap(({ disk }) => disk.findings));
    const repositories = all.map(({ listed, ...rest }) => ({ ...rest, disks: listed.map(diskDocument) }));
    return {
      document: { repositories, warnings: host.warnings },
      text: async () => (await Promise.all(all.map(({ listed, ...of }) => listText(of, listed)))).join("\n\n"),
      exitCode: worstOf([...host.troubles, ...(findings.length > 0 ? [EXIT.damage] : [])]),
    };
  });
}

/** Makes a repository usable from what its backups say about themselves. */
export async function importFrom(idOrPath: string, options: GlobalOptions): Promise<Answer> {
  return await withHost(options, async ({ config, warnings }) => {
    const imported = await importRepository(configuredRepository(config, idOrPath)?.path ?? idOrPath);
    const backups = imported.disks.flatMap(placedBackups).length;
    const findings = imported.disks.flatMap((disk) => disk.findings);
    const { repositoryId, path } = imported.repository;
    const count = `${countText(backups, "backup")} of ${countText(imported.disks.length, "disk")}`;
    const made = imported.rewritten.map((name) => `  made anew: ${name}`);
    return {
      document: {
        repository_id: repositoryId,
        path,
        disks: imported.disks.length,
        backups,
        rewritten: imported.rewritten,
        findings,
        warnings,
      },
      text: () => [`The repository ${repositoryId} holds ${count}.`, ...made, ...findingLines(findings)].join("\n"),
      exitCode: findings.length > 0 ? EXIT.damage : EXIT.ok,
    };
  });
}

export function findingLines(findings: readonly Finding[]): string[] {
  return findings.map(({ code, message, file }) => {
    if (file === undefined) return `  ${code}: ${message}`;
    const own = `${basename(file)}: `;
    return `  ${code} ${file}: ${message.startsWith(own) ? message.slice(own.length) : message}`;
  });
}

function diskDocument({ disk, evidence }: Listed): object {
  return {
    vm_context_id: disk.disk.vmContextId,
    disk_id: disk.disk.diskId,
    chains: disk.chains.map((chain) => ({
      full_backup_id: chain.fullBackupId,
      closed: chain.closed,
      backups: chain.backups.map((backup) => ({ ...backup, ...proofOf(backup, evidence) })),
    })),
    unplaced: disk.unplaced,
    findings: disk.findings,
  };
}

type ProofWords = {
  verification: string | null;
  drill: string | null;
  restore_seconds: number | null;
  pinned: boolean;
};

/** The newest results that decide; null when there is none. */
function proofOf({ backup_id }: Sidecar, all: EvidenceOf): ProofWords {
  const evidence = all.get(backup_id);
  if (evidence === undefined) return { verification: null, drill: null, restore_seconds: null, pinned: false };
  // It may hide a pin, so the floor keeps such a backup too.
  if (evidence === "unreadable")
    return { verification: "unreadable", drill: "unreadable", restore_seconds: null, pinned: true };
  return {
    verification: latestVerdict(evidence)?.verdict ?? null,
    drill: latestDrill(evidence)?.verdict ?? null,
    restore_seconds: restoreSeconds(evidence),
    pinned: evidence.pinned !== undefined,
  };
}

function restoreSeconds({ drills }: Evidence): number | null {
  return drills.find(({ status }) => status === "passed")?.restore_seconds ?? null;
}

type Of = { repository_id: string; path: string; origin: Origin };

async function listText({ repository_id, path, origin }: Of, listed: readonly Listed[]): Promise<string> {
  const rows = listed.flatMap(({ disk, evidence }) =>
    placedBackups(disk).map((backup) => {
      const { verification, drill, pinned } = proofOf(backup, evidence);
      return [
        backup.vm_name,
        String(backup.disk_id),
        backup.backup_id,
        backup.backup_type,
        timeText(backup.completed_at),
        bytesText(backup.file_size_bytes),
        stateWord(verification ?? "-"),
        stateWord(drill ?? "-"),
        pinned ? "pinned" : "",
      ];
    }),
  );
  const head = ["ITEM", "DISK", "BACKUP", "TYPE", "COMPLETED", "STORED", "VERIFIED", "DRILL", ""];
  const findings = listed.flatMap(({ disk }) => disk.findings);
  const title = `Repository ${repository_id} in ${path}${originText(origin)}`;
  const body = rows.length === 0 ? "  no backups yet" : await table(head, rows);
  return [title, body, ...findingLines(findings)].join("\n");
}
