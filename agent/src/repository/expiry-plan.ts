/** Retention (pure): which closed chains may go as a whole, and why each of them goes or stays. */
import type { Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, placedBackups } from "./catalogue.ts";
import type { Chain } from "./chains.ts";
import type { EvidenceOf } from "./evidence.ts";
import { type Floor, reasonsToKeep, ruleContext } from "./removal-rules.ts";
import { planRemoval } from "./remove.ts";

export type Retention = { retentionDays: number; floor: Floor; now: Date };
export type ExpiryQuestion = Retention & { disk: CatalogueDisk; evidence: EvidenceOf };

/** One chain with all its branches. `backups` in the chain's order; `reasons` say why it goes or why it stays. */
export type ChainFate = { fullBackupId: string; backups: Sidecar[]; goes: boolean; reasons: string[] };

/** `remove` in the order of removal: older chains first, in each the tip first. `chains` oldest first. */
export type ExpiryPlan = { remove: string[]; chains: ChainFate[] };

const DAY_MS = 86_400_000;

/** A chain goes whole or not at all: when it is closed, every point of it is past retention, and the floor allows it. */
export function planExpiry(question: ExpiryQuestion): ExpiryPlan {
  const { disk, retentionDays } = question;
  const remove: string[] = [];
  const chains = [...Map.groupBy(disk.chains, (chain) => chain.fullBackupId)].map(([fullBackupId, lines]) => {
    const backups = placedBackups({ chains: lines });
    const early = [...stillOpen(lines), ...notExpired(backups, question)];
    const { ids, kept } = early.length > 0 ? { ids: [], kept: early } : asTheFloorAllows(question, remove, backups);
    remove.push(...ids);
    const goes = kept.length === 0;
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

/** `before`: what goes already, which counts for the number of points that are left. */
function asTheFloorAllows(
  question: ExpiryQuestion,
  before: readonly string[],
  backups: readonly Sidecar[],
): { ids: string[]; kept: string[] } {
  const { disk, evidence, floor, now } = question;
  const context = ruleContext(disk, evidence, floor, now);
  const ruled = backups.flatMap((backup) =>
    reasonsToKeep(context, backup).map((reason) => `${backup.backup_id}: ${reason}`),
  );
  if (ruled.length > 0) return { ids: [], kept: ruled };
  const own = backups.map((backup) => backup.backup_id);
  const { remove, refused } = planRemoval({ disk, evidence, floor, now, ids: [...before, ...own] });
  if (refused.length === 0) return { ids: remove.filter((id) => own.includes(id)), kept: [] };
  const roots = refused.filter(({ code }) => code === "FLOOR");
  const told = roots.length > 0 ? roots : refused;
  return { ids: [], kept: told.map(({ backupId, reasons }) => `${backupId}: ${reasons.join("; ")}`) };
}

function daysText(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
