/** What is kept, what goes, and why: nothing but votes for keeping; what nobody votes for goes. */
import { groupOf, groups } from "./groups.ts";
import {
  byChain,
  type HostFloor,
  keyOf,
  type Point,
  type RetentionContext,
  type RetentionRules,
  type Rule,
  type Vote,
} from "./point.ts";
import { clockProblemOf, readingsOf } from "./readings.ts";
import { age } from "./rules/age.ts";
import { count } from "./rules/count.ts";
import { floor } from "./rules/floor.ts";
import { gfs } from "./rules/gfs.ts";
import { holds } from "./rules/holds.ts";
import { tooFew, tooYoung } from "./rules/host-floor.ts";
import { immutable } from "./rules/immutable.ts";
import { inUse } from "./rules/in-use.ts";
import { newest } from "./rules/newest.ts";
import { parents } from "./rules/parents.ts";
import { pins } from "./rules/pins.ts";
import { proven } from "./rules/proven.ts";
import { together } from "./rules/together.ts";
import { unsure } from "./rules/unsure.ts";
import type { Mark, MarkReason } from "./rules.ts";

export type MarkedPoint = { point: Point; mark: Mark; reasons: MarkReason[] };
export type RetentionPlan = {
  /** Of every point, the newest of each disk first. */
  marks: MarkedPoint[];
  /** In the order of removal: the oldest chain first, in it the tip first. */
  remove: Point[];
  summary: { points: number; keep: number; keepAsParent: number; merge: number; remove: number };
  /** Why no time can be believed, so that nothing goes; null: they can. */
  clockProblem: string | null;
};
/**
 * `zone`: of the rules' days, weeks and months; decided, never `local`. `promised`: by which holds and immutability end;
 * `now` unless the clock is in doubt.
 */
export type RetentionQuestion = {
  points: readonly Point[];
  rules: RetentionRules;
  zone: string;
  now: Date;
  promised?: Date;
  /** Nobody doubts the clock: where it shows a time before one that it wrote down, it was wrong then, and is right now. */
  isClockBelieved?: boolean;
  /** null, or without it: the host has not said. */
  hostFloor?: HostFloor | null;
};

const ORDERED: readonly Rule[] = [age, count, gfs];
const ALWAYS: readonly Rule[] = [floor, newest, proven, pins, holds, immutable, inUse, unsure, tooYoung];

/** All points of one item. Without a rule that says how long, everything is kept. */
export function planRetention(question: RetentionQuestion): RetentionPlan {
  const { points, rules, now } = question;
  const clockProblem = question.isClockBelieved ? null : clockProblemOf(points, now);
  const contexts = groups(points).map((some): RetentionContext => {
    const readings = readingsOf(some, now);
    const promised = question.promised ?? now;
    const hostFloor = question.hostFloor ?? null;
    return { ...question, promised, hostFloor, points: some, readings, all: points, clockProblem, kept: new Set() };
  });
  const wanted = contexts.flatMap((context) => [...ORDERED, ...ALWAYS].flatMap((rule) => rule(context)));
  if (!saysHowLong(rules)) wanted.push(...points.map(noRule));
  const kept = withMore(contexts, withMore(contexts, wanted, together), tooFew);
  const needed = withMore(contexts, kept, parents);
  const votes = Map.groupBy(needed, ({ key }) => key);
  const marks = points.toSorted(byPlace).map((point) => marked(point, votes.get(keyOf(point)) ?? [], question));
  const merging = new Set(mergeable(marks).map(({ point }) => keyOf(point)));
  const final = marks.map((one) => (merging.has(keyOf(one.point)) ? { ...one, mark: "merge" as const } : one));
  return { marks: final, remove: removalOrder(final), summary: summaryOf(final), clockProblem };
}

function saysHowLong({ keep_days, keep_last, gfs: periods }: RetentionRules): boolean {
  return keep_days !== undefined || keep_last !== undefined || periods !== undefined;
}

function noRule(point: Point): Vote {
  return { key: keyOf(point), rule: "no_rule", text: "the policy does not say how long backups are kept", until: null };
}

/** A rule that looks at what the others keep. */
function withMore(contexts: readonly RetentionContext[], votes: Vote[], rule: Rule): Vote[] {
  const kept = new Set(votes.map(({ key }) => key));
  return [...votes, ...contexts.flatMap((context) => rule({ ...context, kept }))];
}

function marked(point: Point, own: readonly Vote[], { rules }: RetentionQuestion): MarkedPoint {
  const reasons = new Map<string, MarkReason>();
  for (const { rule, text, until } of own) {
    const known = reasons.get(`${rule} ${text}`);
    const later = [known?.until ?? "", until?.toISOString() ?? ""].toSorted().at(-1);
    reasons.set(`${rule} ${text}`, { rule, text, until: until === null ? null : (later ?? null) });
  }
  if (own.length === 0) return { point, mark: "remove", reasons: [unwanted(rules)] };
  const mark = own.every(({ rule }) => rule === "parent") ? "keep_as_parent" : "keep";
  return { point, mark, reasons: [...reasons.values()] };
}

function unwanted({ keep_days, keep_last, gfs: periods, min_points }: RetentionRules): MarkReason {
  const asked = [
    ...(keep_days === undefined ? [] : [`${keep_days} days`]),
    ...(keep_last === undefined ? [] : [`the newest ${keep_last}`]),
    ...(periods === undefined ? [] : [`${periods.daily} daily, ${periods.weekly} weekly, ${periods.monthly} monthly`]),
    `at least ${min_points}`,
  ];
  return { rule: "none", text: `no rule keeps it: ${asked.join("; ")}`, until: null };
}

/** Unwanted from the full on, with one child each: the first wanted one can take them all in. */
function mergeable(marks: readonly MarkedPoint[]): MarkedPoint[] {
  const byId = new Map(marks.map((one) => [`${groupOf(one.point)} ${one.point.backupId}`, one]));
  const children = Map.groupBy(marks, ({ point }) => `${groupOf(point)} ${point.parentId}`);
  const canGo = (one: MarkedPoint | undefined): boolean => {
    if (one?.mark !== "keep_as_parent") return false;
    const { point } = one;
    if ((children.get(`${groupOf(point)} ${point.backupId}`)?.length ?? 0) !== 1) return false;
    return point.parentId === null || canGo(byId.get(`${groupOf(point)} ${point.parentId}`));
  };
  return marks.filter(canGo);
}

function removalOrder(marks: readonly MarkedPoint[]): Point[] {
  const going = marks.filter(({ mark }) => mark === "remove").map(({ point }) => point);
  const chains = [...Map.groupBy(going, (point) => `${groupOf(point)} ${point.chainId}`).values()];
  const tipFirst = chains.map((chain) => chain.toSorted(byChain));
  const ageOf = ([first]: Point[]) => first?.chainNumber ?? 0;
  return tipFirst.toSorted((a, b) => ageOf(a) - ageOf(b)).flat();
}

function byPlace(a: Point, b: Point): number {
  const [here, there] = [groupOf(a), groupOf(b)];
  return here === there ? byChain(a, b) : here < there ? -1 : 1;
}

function summaryOf(marks: readonly MarkedPoint[]): RetentionPlan["summary"] {
  const many = (wanted: Mark) => marks.filter(({ mark }) => mark === wanted).length;
  return {
    points: marks.length,
    ...{ keep: many("keep"), keepAsParent: many("keep_as_parent"), merge: many("merge"), remove: many("remove") },
  };
}
