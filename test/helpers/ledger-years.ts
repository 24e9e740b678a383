/** Years of one job, on the host that runs it and in the ledger that expects it, with all that goes wrong between them. */
import { scheduleSpec } from "@holdfast/protocol";
import { type Job, jobsOf } from "../../agent/src/schedule/job.ts";
import { randomFrom } from "./kill-random.ts";
import { openBooks, type Seen } from "./ledger-books.ts";
import { simulatedHost } from "./ledger-host.ts";
import { judgeLedger } from "./ledger-judge.ts";

export type YearsWish = {
  seed: number;
  zone: string;
  from: Date;
  until: Date;
  schedule: { cron: string; jitter_seconds?: number; catch_up?: "once" | "never" };
  /** A mistake that the judge has to find. */
  plant?: "deaf ledger" | "hasty ledger";
};
export type YearsReport = {
  dues: number;
  runs: number;
  alarms: number;
  states: Record<string, number>;
  faults: string[];
};

const POLICY = "44444444-4444-4444-8444-444444444444";
const AGENT = "9f6d5c1e-0000-4000-8000-000000000001";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LOOK_MS = 5000;
const HUNG_MS = 30 * MINUTE_MS;
const GRACE_SECONDS = 3600;

/** `down`: its agent does not run; `cut`: nobody hears it; `stuck`: it is there and runs nothing. */
export type Trouble = { kind: "down" | "cut" | "stuck"; from: Date; until: Date };

export function runYears(wish: YearsWish): YearsReport {
  const { seed, zone, from, until } = wish;
  const random = randomFrom(seed, `ledger ${zone}`);
  const job = jobOf(wish);
  const host = simulatedHost(job, from, random);
  const about = { agentId: AGENT, item: "vm-1", plan: job.plan, graceSeconds: GRACE_SECONDS, from };
  const books = openBooks(about);
  const troubles = makeTroubles(wish, random);
  const ahead = [...troubles];
  let trouble: Trouble | null = null;
  let connectedSince: Date | null = from;
  let lastSeenAt = from;
  for (let now = from; now < until; ) {
    if (trouble !== null && trouble.until <= now) {
      if (trouble.kind === "down") host.start(now);
      connectedSince ??= now;
      trouble = null;
    }
    const next = ahead[0];
    if (trouble === null && next !== undefined && next.from <= now) {
      trouble = ahead.shift() ?? null;
      if (next.kind === "down") host.kill();
      if (next.kind !== "stuck") connectedSince = null;
    }
    const isAlive = trouble === null || trouble.kind === "cut";
    if (isAlive && (host.nextAt()?.getTime() ?? Number.POSITIVE_INFINITY) <= now.getTime()) host.act(now);
    if (connectedSince !== null) lastSeenAt = now;
    if (connectedSince !== null && wish.plant !== "deaf ledger")
      for (const told of host.spool.splice(0)) books.hear(told, now);
    const isInStep = connectedSince !== null && now.getTime() - connectedSince.getTime() >= 30_000;
    const inStepSince = isInStep && connectedSince !== null ? new Date(connectedSince.getTime() + 30_000) : null;
    const seen: Seen = {
      inStepSince,
      awaySince: connectedSince === null ? lastSeenAt : null,
      isBusy: isInStep && host.isRunning() && !isHung(trouble, now),
    };
    books.look(wish.plant === "hasty ledger" ? { ...seen, inStepSince: from, awaySince: null } : seen, now);
    now = nextMoment(now, [
      trouble?.until,
      ahead[0]?.from,
      isAlive ? host.nextAt() : null,
      new Date((books.nextDueAt()?.getTime() ?? Number.POSITIVE_INFINITY) - MINUTE_MS),
      books.open.size > 0 ? new Date(now.getTime() + lookAgain(now, books.open)) : null,
    ]);
  }
  const faults = judgeLedger({ books, host, troubles, wish });
  const settled = [...books.rows.values()].filter(({ settledAt }) => settledAt !== null);
  const states = Object.fromEntries(
    [...Map.groupBy(settled, ({ state }) => state)].map(([state, { length }]) => [state, length]),
  );
  return { dues: books.rows.size, runs: host.begun.length, alarms: books.alarms.length, states, faults };
}

/** Its run has not moved for so long that this was noticed. */
function isHung(trouble: Trouble | null, now: Date): boolean {
  return trouble?.kind === "stuck" && now.getTime() - trouble.from.getTime() >= HUNG_MS;
}

/** Often where something is about to be decided. */
function lookAgain(now: Date, open: Iterable<{ graceUntil: Date; state: string }>): number {
  let wait = HOUR_MS;
  for (const { graceUntil, state } of open) {
    if (state === "running") continue;
    const left = graceUntil.getTime() - now.getTime();
    wait = Math.min(wait, left > LOOK_MS ? left : state === "unknown" ? 5 * MINUTE_MS : LOOK_MS);
  }
  return wait;
}

function nextMoment(now: Date, times: readonly (Date | null | undefined)[]): Date {
  const later = times.flatMap((at) => (at === null || at === undefined || !(at > now) ? [] : at.getTime()));
  return new Date(Math.min(...later, now.getTime() + HOUR_MS * 24));
}

function jobOf({ zone, schedule }: YearsWish): Job {
  const spec = scheduleSpec.parse({ zone, ...schedule });
  const plan = { schedule: spec, after_backup: false, which: "newest", retries: 3, retry_seconds: 60 } as const;
  const tasks = { backup: plan, verify: null, drill: null };
  const about = { policy_id: POLICY, policy_version: 1, seed: AGENT, items: ["vm-1"], engine: {}, closed: [] };
  const [job] = jobsOf([{ ...about, tasks }]);
  if (job === undefined) throw new Error("the plan has no job");
  return job;
}

/** Two or three in a week, none touching the next; the last week is quiet, so that all can be told. */
function makeTroubles({ from, until }: YearsWish, random: ReturnType<typeof randomFrom>): Trouble[] {
  const troubles: Trouble[] = [];
  const end = until.getTime() - 7 * 24 * HOUR_MS;
  for (let at = from.getTime(); ; ) {
    const begin = at + (1 + random.below(80)) * HOUR_MS + random.below(3600) * 1000;
    const longest = random.below(6) === 0 ? 70 : 9;
    const stop = begin + (1 + random.below(longest * 60)) * MINUTE_MS;
    if (stop >= end) return troubles;
    const kind = (["down", "cut", "stuck"] as const)[random.below(3)] ?? "down";
    troubles.push({ kind, from: new Date(begin), until: new Date(stop) });
    at = stop + HOUR_MS;
  }
}
