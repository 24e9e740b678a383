/** What a chain's evidence says about adding to it. */
import type { Chain } from "./chains.ts";
import { type Evidence, type EvidenceOf, latestProof, readEvidence } from "./evidence.ts";

type Backups = readonly { backup_id: string; created_at: string }[];
/** Full first. */
export type ToldChain = { backups: Backups; evidence: EvidenceOf };

/** Parts of a sentence: why a new chain is to begin (`problem`), or why not yet though there is a reason (`caution`). */
export type Doubt = { problem?: string; caution?: string };

const HOUR_MS = 3_600_000;
const REST_HOURS = 24;

/** As `weighDoubt`, for the chains in a disk's folder, oldest first. Whatever keeps a record from being read, it keeps no backup from being made. */
export async function doubtAbout(folder: string, chains: readonly Chain[], at: Date): Promise<Doubt> {
  const newest = await toldChain(folder, chains.at(-1));
  if (chainDoubt(newest) === undefined) return {};
  return weighDoubt(newest, await toldChain(folder, chains.at(-2)), at);
}

/**
 * A chain in doubt is not continued. But where the one before it is in doubt too, and nothing in this one ever passed, it
 * is memory or medium that damage what is written: fulls in a row would only fill the repository, from which the
 * other items live. Then one is begun a day, and increments are added until then. Pure.
 */
export function weighDoubt(newest: ToldChain, before: ToldChain, at: Date): Doubt {
  const problem = chainDoubt(newest);
  if (problem === undefined) return {};
  const age = at.getTime() - Date.parse(newest.backups[0]?.created_at ?? "");
  // An hour of slack, as for `full_every_days`: a daily run that starts some seconds earlier must not slip by a day.
  const isRested = !(Math.abs(age) < REST_HOURS * HOUR_MS - HOUR_MS);
  if (isRested || hasPassed(newest) || chainDoubt(before) === undefined) return { problem };
  return {
    caution: `${problem}, nor in the chain before it: another full is begun ${REST_HOURS} hours after the last one`,
  };
}

/**
 * Why a chain should not be continued; undefined when nothing speaks against it. A failed verification or drill counts
 * until the same backup, or a later one, passed after it: that one reads the same files, but for what was replaced since.
 * Evidence that cannot be read says nothing. Pure.
 */
export function chainDoubt({ backups, evidence }: ToldChain): string | undefined {
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

function hasPassed({ evidence }: ToldChain): boolean {
  return [...evidence.values()].some(
    (known) =>
      known !== "unreadable" &&
      (known.drills.some(({ status }) => status === "passed") ||
        known.verifications.some(({ status, parts }) => status === "passed" && parts.includes("content"))),
  );
}

async function toldChain(folder: string, chain: Chain | undefined): Promise<ToldChain> {
  const evidence = new Map<string, Evidence | "unreadable">();
  for (const { backup_id: id } of chain?.backups ?? [])
    evidence.set(id, await readEvidence(folder, id).catch(() => "unreadable" as const));
  return { backups: chain?.backups ?? [], evidence };
}
