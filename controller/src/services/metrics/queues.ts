/** What waits, and for how long: numbers that stay small while all is well. Each comes from an index. */
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, min } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { Metric } from "./metrics-page.ts";

const OPEN_COMMANDS = ["queued", "sent", "accepted", "running"] as const;

export async function queueMetrics(db: Db, now: Date): Promise<Metric[]> {
  const flips = await waitingFlips(db);
  const outbox = await waitingDeliveries(db);
  return [
    gauge("holdfast_flips_waiting", "Changes that were not made into alerts yet.", flips.rows),
    gauge("holdfast_flips_oldest_seconds", "How long the oldest of them waits.", ageOf(flips.oldest, now)),
    gauge("holdfast_deliveries_waiting", "Messages that were not delivered yet.", outbox.rows),
    gauge(
      "holdfast_deliveries_oldest_seconds",
      "How long the oldest of them waits for a channel that is on.",
      ageOf(outbox.oldest, now),
    ),
    {
      name: "holdfast_ledger_lag_seconds",
      help: "How far writing down expected runs is behind.",
      values: [{ value: ageOf(await nextDue(db), now) }],
    },
    {
      name: "holdfast_projection_lag_seconds",
      help: "How long the oldest event waits that a projection has not taken in.",
      values: await projectionLags(db, now),
    },
    ...(await peopleMetrics(db)),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, values: [{ value }] };
}

function ageOf(since: Date | null, now: Date): number {
  return since === null ? 0 : Math.max(0, (now.getTime() - since.getTime()) / 1000);
}

async function waitingFlips(db: Db): Promise<{ rows: number; oldest: Date | null }> {
  const { flips: f } = db.tables;
  const isWaiting = isNull(f.processedAt);
  const [counted] = await db.select({ rows: count() }).from(f).where(isWaiting);
  const [oldest] = await db.select({ at: f.at }).from(f).where(isWaiting).orderBy(asc(f.flipId)).limit(1);
  return { rows: counted?.rows ?? 0, oldest: oldest?.at ?? null };
}

/** By channel and route, as the index of those that wait has them: without it all that was ever sent would be read. */
async function waitingDeliveries(db: Db): Promise<{ rows: number; oldest: Date | null }> {
  const { deliveries: d, channels: c } = db.tables;
  const lines = await db
    .select({ channelId: d.channelId, first: min(d.sequence), rows: count() })
    .from(d)
    .where(isNull(d.finishedAt))
    .groupBy(d.channelId, d.routeId);
  const rows = lines.reduce((all, line) => all + line.rows, 0);
  const off = await db.select({ id: c.channelId }).from(c).where(eq(c.enabled, false));
  const tried = lines.filter(({ channelId }) => !off.some(({ id }) => id === channelId));
  if (tried.length === 0) return { rows, oldest: null };
  const sequence = Math.min(...tried.map(({ first }) => Number(first)));
  const [oldest] = await db.select({ at: d.createdAt }).from(d).where(eq(d.sequence, sequence));
  return { rows, oldest: oldest?.at ?? null };
}

async function nextDue(db: Db): Promise<Date | null> {
  const { jobs: j } = db.tables;
  const isDue = and(isNull(j.endedAt), isNotNull(j.nextDueAt));
  const [job] = await db.select({ at: j.nextDueAt }).from(j).where(isDue).orderBy(asc(j.nextDueAt)).limit(1);
  return job?.at ?? null;
}

async function projectionLags(db: Db, now: Date): Promise<Metric["values"]> {
  const { projections, events: e } = db.tables;
  const lags: { labels: { projection: string }; value: number }[] = [];
  for (const { name, cursor } of await db.select().from(projections)) {
    const next = db.select({ at: e.receivedAt }).from(e).where(gt(e.cursor, cursor));
    const [event] = await next.orderBy(asc(e.cursor)).limit(1);
    lags.push({ labels: { projection: name }, value: ageOf(event?.at ?? null, now) });
  }
  return lags;
}

/** What waits for a person, or for a host. */
async function peopleMetrics(db: Db): Promise<Metric[]> {
  const { commands: c, retentionPlans: r } = db.tables;
  const open = await db
    .select({ state: c.state, value: count() })
    .from(c)
    .where(inArray(c.state, [...OPEN_COMMANDS]))
    .groupBy(c.state);
  const [approvals] = await db.select({ rows: count() }).from(c).where(eq(c.approvalState, "needed"));
  const [plans] = await db.select({ rows: count() }).from(r).where(eq(r.state, "waiting"));
  return [
    {
      name: "holdfast_commands_open",
      help: "Commands that did not end yet.",
      values: OPEN_COMMANDS.map((state) => ({
        labels: { state },
        value: open.find((row) => row.state === state)?.value ?? 0,
      })),
    },
    gauge("holdfast_approvals_waiting", "Commands that wait for a second person.", approvals?.rows ?? 0),
    gauge("holdfast_retention_plans_waiting", "Retention plans that wait for a person.", plans?.rows ?? 0),
  ];
}
