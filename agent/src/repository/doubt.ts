/** What a chain's evidence says about adding to it. */
import { type Evidence, type EvidenceOf, latestProof, readEvidence } from "./evidence.ts";

type Backups = readonly { backup_id: string }[];

/** As `chainDoubt`, for a chain in a disk's folder. Whatever keeps a record from being read, it keeps no backup from being made. */
export async function doubtAbout(folder: string, backups: Backups): Promise<string | undefined> {
  const known = new Map<string, Evidence | "unreadable">();
  for (const { backup_id: id } of backups)
    known.set(id, await readEvidence(folder, id).catch(() => "unreadable" as const));
  return chainDoubt(backups, known);
}

/**
 * Why a chain, full first, should not be continued, as a part of a sentence; undefined when nothing speaks against it. A
 * failed verification or drill counts until the same backup, or a later one, passed after it: that one reads the same
 * files, but for what was replaced since. Evidence that cannot be read says nothing. Pure.
 */
export function chainDoubt(backups: Backups, evidence: EvidenceOf): string | undefined {
  let passed = "";
  for (const { backup_id: id } of backups.toReversed()) {
    const known = evidence.get(id);
    const proof = known === undefined || known === "unreadable" ? undefined : latestProof(known);
    if (proof === undefined) continue;
    if (proof.verdict === "passed") passed = proof.at > passed ? proof.at : passed;
    else if (proof.at >= passed) return `the ${proof.kind} of ${id} failed (${proof.at}), and none has passed since`;
  }
  return undefined;
}
