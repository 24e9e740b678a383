/** What the retention planner knows of a backup, and how its rules speak about it. */
import type { z } from "zod";
import type { retentionRules } from "./rules.ts";

export type RetentionRules = z.infer<typeof retentionRules>;

/** A completed backup that is still there, in one repository; a copy elsewhere is a point of its own. */
export type Point = {
  agentId: string;
  backupId: string;
  repositoryId: string;
  diskId: number;
  /** The full that its chain begins with. */
  chainId: string;
  /** Chains are ordered by this, and inside a chain by the position: no clock is in it. */
  chainNumber: number;
  chainPosition: number;
  parentId: string | null;
  /** Disks of one moment share it. */
  restorePointId: string | null;
  /** By its host's clock; null: unknown. */
  madeAt: Date | null;
  /** The same of its end. */
  completedAt: Date | null;
  /** When this controller first heard of it; null: unknown. */
  recordedAt: Date | null;
  pinned: boolean;
  /** The reasons of the holds on it. */
  held: readonly string[];
  immutableUntil: Date | null;
  /** What goes on with it just now; null: nothing. */
  inUse: string | null;
  /** When it last passed; null: never. */
  verifiedAt: Date | null;
  drilledAt: Date | null;
  /** Its newest verification or drill failed. */
  doubted: boolean;
  isCopy: boolean;
  /** Only what Holdfast wrote has one. */
  hasSidecar: boolean;
  /** Its host lists the repository, whole and within reach. */
  isListed: boolean;
};

/** What a host's own configuration keeps of each disk. `now`: by its clock, as far as that is known. */
export type HostFloor = { minPoints: number; minAgeDays: number; now: Date };

/** One way of telling when points were made, the newest first; what has no time is left out. */
export type Reading = readonly { point: Point; at: Date }[];

export type RetentionContext = {
  /** Of one disk in one repository. */
  points: readonly Point[];
  /** By the hosts' clocks and by the controller's, where they disagree: a rule keeps by either. */
  readings: readonly Reading[];
  rules: RetentionRules;
  /** Of the rules' days, weeks and months. */
  zone: string;
  now: Date;
  hostFloor: HostFloor | null;
  /** By which promises end: before `now` when the clock is in doubt. */
  promised: Date;
  /** Whatever other rules wish to keep, in any repository: for the rules that come last. */
  kept: ReadonlySet<string>;
  all: readonly Point[];
  /** Why no time can be believed at all; null: they can. */
  clockProblem: string | null;
};

/** A vote keeps. `until`: when this reason ends by itself; null: not by time alone. */
export type Vote = { key: string; rule: string; text: string; until: Date | null };
export type Rule = (context: RetentionContext) => Vote[];

/** Times that differ by more are not the same time (milliseconds). */
export const CLOCKS_DIFFER_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** The same backup in two repositories is two points. */
export function keyOf({ agentId, repositoryId, backupId }: Pick<Point, "agentId" | "repositoryId" | "backupId">) {
  return `${agentId}/${repositoryId}/${backupId}`;
}

/** The later in its disk's history goes first; no clock is asked. */
export function byChain(a: Point, b: Point): number {
  return b.chainNumber - a.chainNumber || b.chainPosition - a.chainPosition || (a.backupId < b.backupId ? 1 : -1);
}
