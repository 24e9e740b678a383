/** Retention (pure): which closed chains may go as a whole, and why each of them goes or stays. */
import type { Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, placedBackups } from "./catalogue.ts";
import type { Chain } from "./chains.ts";
import type { EvidenceOf } from "./evidence.ts";
import { type Floor, reasonsToKeep, ruleContext } from "./removal-rules.ts";
import { planRemoval, type RemovalPlan } from "./remove.ts";

export type Retention = { retentionDays: number; floor: Floor; now: Date };
export type ExpiryQuestion = Retention & { disk: CatalogueDisk; evidence: EvidenceOf };

/** One chain with all its branches. `backups` in the chain's order; `reasons` say why it goes or why it stays. */
export type ChainFate = { fullBackupId: string; backups: Sidecar[]; goes: boolean; reasons: string[] };

/** `remove` in the order of removal: older chains first, in each the tip first. `chains` oldest first. */
export type ExpiryPlan = { remove: string[]; chains: ChainFate[] };

const DAY_MS = 86_400_000;

/**
 * A chain goes whole or not at all: when it is closed, every point of it is past retention, and the floor allows it.
 * Where so many points have to stay that a chain must, no newer one goes in its place.
 */
export function planExpiry(question: ExpiryQuestion): ExpiryPlan {
  const { disk, retentionDays, floor } = question;
  const remove: string[] = [];
  const olderStays = `an older chain stays for the floor of ${floor.minPoints} restore points, and this one with it`;
  let isFull = false;
  const chains = [...Map.groupBy(disk.chains, (chain) => chain.fullBackupId)].map(([fullBackupId, lines]) => {
    const backups = placedBackups({ chains: lines });
    const early = [...stillOpen(lines), ...notExpired(backups, question)];
    const ruled = early.length > 0 ? early : ruledOut(question, backups);
    const kept = ruled.length > 0 ? ruled : isFull ? [olderStays] : tooFew(question, remove, backups);
    isFull ||= ruled.length === 0 && kept.length > 0;
    const goes = kept.length === 0;
    if (goes) remove.push(...removalOf(question, remove, backups).remove);
    const reasons = goes ? [`every point of it is older than ${daysText(retentionDays)}`] : kept;
    return { fullBackupId, backups, goes, reasons };
  });
  return { remove, chains };
}

function stillOpen(lines: readonly Chain[]): string[] {
  if (lines.every((line) => line.closed)) return [];
  return ["it is the current chain, which ends when a full is due"];
}

/** Both an age that is not reached and one that cannot be known. */
function notExpired(backups: readonly Sidecar[], { retentionDays, now }: Retention): string[] {
  const age = ({ completed_at }: Sidecar): number => now.getTime() - Date.parse(completed_at);
  const left = backups.filter((backup) => !(age(backup) > retentionDays * DAY_MS));
  const future = left.filter((backup) => !(age(backup) >= 0));
  if (future.length > 0)
    return future.map((backup) => `${backup.backup_id} is dated in the future (${backup.completed_at})`);
  const newest = left.toSorted((a, b) => age(a) - age(b))[0];
  if (newest === undefined) return [];
  return [`${newest.backup_id} of ${newest.completed_at} is not older than ${daysText(retentionDays)}`];
}

function ruledOut({ disk, evidence, floor, now }: ExpiryQuestion, backups: readonly Sidecar[]): string[] {
  const context = ruleContext(disk, evidence, floor, now);
  return backups.flatMap((backup) => reasonsToKeep(context, backup).map((reason) => `${backup.backup_id}: ${reason}`));
}

/** What is left to say against a chain that no rule keeps: the number of points, which `before` has lowered. */
function tooFew(question: ExpiryQuestion, before: readonly string[], backups: readonly Sidecar[]): string[] {
  const { refused } = removalOf(question, before, backups);
  if (refused.length === 0) return [];
  const { disk, floor } = question;
  const gone = new Set([...before, ...backups.map((backup) => backup.backup_id), ...disk.unsound]);
  const left = placedBackups(disk).filter((backup) => !gone.has(backup.backup_id)).length;
  if (left < floor.minPoints)
    return [`the floor of this host is ${floor.minPoints} restore points, and ${left} would be left without it`];
  return refused.map(({ backupId, reasons }) => `${backupId}: ${reasons.join("; ")}`);
}

/** `remove` holds only what is new to `before`. */
function removalOf(
  { disk, evidence, floor, now }: ExpiryQuestion,
  before: readonly string[],
  backups: readonly Sidecar[],
): RemovalPlan {
  const ids = [...before, ...backups.map((backup) => backup.backup_id)];
  const { remove, refused } = planRemoval({ disk, evidence, floor, now, ids });
  return { remove: remove.filter((id) => !before.includes(id)), refused };
}

function daysText(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
