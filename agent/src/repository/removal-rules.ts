/** The agent's own floor under every removal (pure): small rules, each with its reason, that no policy can lower. */
import type { Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, placedBackups } from "./catalogue.ts";
import { type EvidenceOf, latestDrill, latestVerdict } from "./evidence.ts";

/** Local and lowest: so many sound restore points stay, and none goes younger than so many days. */
export type Floor = { minPoints: number; minAgeDays: number };

/** Everything the rules look at. */
export type RuleContext = {
  disk: CatalogueDisk;
  evidence: EvidenceOf;
  floor: Floor;
  now: Date;
  /** Backups that can be restored as they stand, oldest first. Only these count as points that are left. */
  sound: Sidecar[];
  newest: ReadonlyMap<string, string>;
};

const DAY_MS = 86_400_000;

export function ruleContext(disk: CatalogueDisk, evidence: EvidenceOf, floor: Floor, now: Date): RuleContext {
  const unsound = new Set(disk.unsound);
  const sound = placedBackups(disk).filter((backup) => !unsound.has(backup.backup_id));
  return { disk, evidence, floor, now, sound, newest: newestOnes(disk, sound, evidence, now) };
}

/** Why this backup must stay whatever else is removed; empty when nothing speaks for it. */
export function reasonsToKeep(context: RuleContext, backup: Sidecar): string[] {
  return [
    context.newest.get(backup.backup_id),
    pinned(context, backup),
    tooYoung(context, backup),
    unknownChildren(context, backup),
  ].filter((reason) => reason !== undefined);
}

/** The ids that stay because they are the newest of their kind, each with the reason. */
function newestOnes(
  disk: CatalogueDisk,
  sound: readonly Sidecar[],
  evidence: EvidenceOf,
  now: Date,
): Map<string, string> {
  const passed = (verdict: typeof latestDrill | typeof latestVerdict) =>
    sound.findLast(({ backup_id }) => {
      const known = evidence.get(backup_id);
      return known !== undefined && known !== "unreadable" && verdict(known)?.verdict === "passed";
    });
  const past = sound.filter((backup) => Date.parse(backup.completed_at) <= now.getTime());
  const byTime = past.toSorted((a, b) => Date.parse(a.completed_at) - Date.parse(b.completed_at)).at(-1);
  const kept: [Sidecar | undefined, string][] = [
    [passed(latestVerdict), "it is the newest backup whose content was verified"],
    [passed(latestDrill), "it is the newest backup that a drill has restored"],
    // By the clock as well as by the chain's order: either alone can be misled.
    [byTime, "it is the newest completed backup"],
    [placedBackups(disk).at(-1), "it is the newest completed backup"],
    [sound.at(-1), "it is the newest completed backup"],
  ];
  return new Map(kept.flatMap(([backup, reason]) => (backup ? [[backup.backup_id, reason]] : [])));
}

function pinned({ evidence }: RuleContext, { backup_id }: Sidecar): string | undefined {
  const known = evidence.get(backup_id);
  if (known === undefined || known === "unreadable") return "its evidence cannot be read, so it may be pinned";
  return known.pinned && `it is pinned: ${known.pinned.reason}`;
}

function tooYoung({ floor, now }: RuleContext, backup: Sidecar): string | undefined {
  const times = [backup.created_at, backup.completed_at].map((time) => now.getTime() - Date.parse(time));
  if (times.some(Number.isNaN)) return "its times cannot be read, so its age is unknown";
  if (times.some((age) => age < 0)) return "it is dated in the future, so its age is unknown";
  if (Math.min(...times) >= floor.minAgeDays * DAY_MS) return undefined;
  return `it is younger than ${floor.minAgeDays} days, the floor of this host`;
}

/** Something in the folder may hang on this backup, but cannot be read well enough to know. */
function unknownChildren({ disk }: RuleContext, backup: Sidecar): string | undefined {
  const blind = disk.findings.find(({ code }) => code === "SIDECAR_DAMAGED" || code === "SIDECAR_MISPLACED");
  if (blind !== undefined) return `what depends on it is unknown while a sidecar cannot be used (${blind.message})`;
  const lost = disk.unplaced.find(({ full_backup_id }) => full_backup_id === backup.full_backup_id);
  return lost && `${lost.backup_id} belongs to its chain and lost its parent`;
}
