/** The content of each backup for `repository check`: what is found is told once, under the file where it lies. */
import type { Finding, Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import type { BackupKeys } from "../restore/keys.ts";
import { verifyBackup } from "../verifiers/verify.ts";
import type { Host } from "./host.ts";

export type ContentChecker = {
  check: (disk: CatalogueDisk, backup: Sidecar) => Promise<Finding[]>;
  /** Sentences about backups that could not be looked at. */
  unproven: string[];
};

/**
 * Parents must be checked before their children, as the catalogue lists them: of a child of one that was proven only what
 * it adds is read, so that the time grows with what is stored. The newest point of a chain is read as a whole all the
 * same, the way a restore reads it. Throws CANCELLED.
 */
export function contentChecker(host: Host, keys: BackupKeys | null): ContentChecker {
  const unproven: string[] = [];
  const proven = new Set<string>();
  const told = new Map<string, string>();
  const once = new Set<string>();
  const isNew = (disk: CatalogueDisk, finding: Finding): boolean => {
    const key = `${disk.folder} ${JSON.stringify(finding)}`;
    const isFirst = !once.has(key);
    once.add(key);
    // A child's verification looks at the files of its parents too, and says the same about them.
    return finding.file === undefined || isFirst;
  };
  const check = async (disk: CatalogueDisk, backup: Sidecar): Promise<Finding[]> => {
    const id = backup.backup_id;
    const isProven = proven.has(`${disk.folder} ${backup.parent_backup_id}`);
    const isTip = disk.chains.some(({ backups }) => backups.at(-1)?.backup_id === id);
    const { findings, status, reason, parts } = await verifyBackup(disk, id, {
      keys,
      parentProven: !isProven ? undefined : isTip ? "read all" : "read what it adds",
      signal: host.signal,
      onProgress: ({ part, doneBytes, totalBytes }) => host.progress.update(`${id}: ${part}`, doneBytes, totalBytes),
    });
    if (host.signal.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
    if (status === "passed") proven.add(`${disk.folder} ${id}`);
    if (status === "error" || status === "skipped") unproven.push(`${id}: ${reason}`);
    else if (!parts.includes("content"))
      unproven.push(`${id}: its content was not read, for what was found in its chain`);
    return findings
      .filter((finding) => !isSaid(disk, finding) && isNew(disk, finding))
      .map((finding) => placed(told, disk, backup, finding));
  };
  return { check, unproven };
}

/** The catalogue has said the same already about files that are missing or cut. */
function isSaid(disk: CatalogueDisk, { code, file }: Finding): boolean {
  return disk.findings.some((said) => said.code === code && said.file === file);
}

/** A damaged range shows in every point that is read through it; the first to show it is the one that stores it. */
function placed(told: Map<string, string>, disk: CatalogueDisk, backup: Sidecar, finding: Finding): Finding {
  if (finding.file !== undefined) return finding;
  const range = `${disk.folder} ${backup.full_backup_id} ${finding.code} ${finding.offset} ${finding.length}`;
  const first = told.get(range);
  if (first === undefined) told.set(range, backup.file_name);
  if (first === undefined) return { ...finding, file: backup.file_name };
  return { ...finding, file: first, message: `${finding.message} (seen through ${backup.backup_id} as well)` };
}
