/** The controller's side of the simulation: the ledger's own decisions over rows in memory. */
import type { TaskPlan } from "@holdfast/protocol";
import {
  type ExpectedFacts,
  type Settled,
  settleSilent,
  settleTold,
} from "../../controller/src/domain/ledger/settle.ts";
import { expectedThrough, type JobFacts, type NewExpected } from "../../controller/src/domain/ledger/write.ts";
import type { Told } from "./ledger-host.ts";

export type BookRow = Omit<NewExpected, keyof ExpectedFacts> & ExpectedFacts & Pick<Settled, "settledAt">;
export type Alarm = { due: Date; at: Date; reason: string | null };
export type Books = ReturnType<typeof openBooks>;
/** How the agent stands: as the controller sees it. */
export type Seen = { inStepSince: Date | null; awaySince: Date | null; isBusy: boolean };

const AHEAD_MS = 60_000;
const MISSED_AFTER_MS = 86_400_000;
const LONGEST_CATCH_UP_SECONDS = 600;

export function openBooks(about: { agentId: string; item: string; plan: TaskPlan; graceSeconds: number; from: Date }) {
  const { agentId, item: subjectId, plan, graceSeconds, from } = about;
  let job: JobFacts = { agentId, subjectId, task: "backup", plan, graceSeconds, expectedThrough: from };
  let nextDueAt: Date | null = from;
  let busyAt: Date | null = null;
  const rows = new Map<number, BookRow>();
  const open = new Set<BookRow>();
  const alarms: Alarm[] = [];
  const catchUpMs = plan.schedule?.catch_up === "once" ? Math.min(graceSeconds, LONGEST_CATCH_UP_SECONDS) * 1000 : 0;

  function put(row: BookRow, after: Settled | null, now: Date): void {
    if (after === null) return;
    Object.assign(row, after);
    if (after.settledAt === null) open.add(row);
    else open.delete(row);
    if (after.state === "missed") alarms.push({ due: row.dueAt, at: now, reason: after.reason });
  }

  function write(through: Date, now: Date): void {
    if (nextDueAt === null || nextDueAt > through) return;
    const { rows: fresh, ...reached } = expectedThrough(job, { through, limit: 1000 });
    for (const one of fresh) {
      const row = { ...one, runId: null, runState: null, attempt: null };
      const whole = { ...row, settledAt: one.state === "skipped" ? now : null };
      rows.set(one.dueAt.getTime(), whole);
      if (whole.settledAt === null) open.add(whole);
    }
    job = { ...job, expectedThrough: reached.expectedThrough };
    nextDueAt = reached.nextDueAt;
  }

  function between(since: Date, due: Date): BookRow[] {
    return [...rows.values()].filter(({ dueAt }) => dueAt >= since && dueAt < due);
  }

  return {
    ...{ rows, open, alarms },
    hear(told: Told, now: Date): void {
      write(told.due, now);
      const { due, since } = told;
      const skip = "skip" in told ? told.skip : "";
      const what = skip === "catch_up_never" ? { missed: skip } : { skipped: skip };
      const own = rows.get(due.getTime());
      if (own !== undefined) put(own, settleTold(own, "run" in told ? { run: told.run } : what, now), now);
      for (const row of since === null ? [] : between(since, due))
        put(row, settleTold(row, "run" in told ? { madeUpBy: told.run.runId } : what, now), now);
    },
    look({ isBusy, ...seen }: Seen, now: Date): void {
      if (isBusy) busyAt = now;
      write(new Date(now.getTime() + AHEAD_MS), now);
      const known = { ...seen, busyAt, missedAfterMs: MISSED_AFTER_MS, isPlanConfirmed: true, catchUpMs };
      for (const row of open) put(row, settleSilent(row, { ...known, isInMaintenance: false }, now), now);
    },
    nextDueAt: () => nextDueAt,
  };
}
