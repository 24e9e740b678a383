/** How the fleet is: what is protected, what happened in the last day, what is wrong. Each number comes from an index. */
import { runKind } from "@holdfast/protocol";
import { and, count, eq, gte, isNotNull } from "drizzle-orm";
import type { ExpectedState } from "../../domain/ledger/expected.ts";
import type { Db } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";
import { FLEET, worthOf } from "../health/daily.ts";
import type { Metric } from "./metrics-page.ts";

const DAY_MS = 86_400_000;
const SETTLED: readonly ExpectedState[] = ["ran", "ran_late", "missed", "skipped", "coalesced"];
const OPEN: readonly ExpectedState[] = ["expected", "running", "unknown"];
const SEVERITIES = ["critical", "warning", "info"] as const;
const BANDS = ["good", "warning", "critical"] as const;

/** `connected`: how many agents are. */
export async function fleetMetrics(db: Db, connected: number, now: Date): Promise<Metric[]> {
  return [
    ...(await agentMetrics(db, connected)),
    ...(await runMetrics(db, now)),
    ...(await alertMetrics(db)),
    ...(await healthMetrics(db, now)),
  ];
}

async function agentMetrics(db: Db, connected: number): Promise<Metric[]> {
  const { agents: a } = db.tables;
  const [enrolled] = await db.select({ rows: count() }).from(a).where(eq(a.state, "enrolled"));
  const away = Math.max(0, (enrolled?.rows ?? 0) - connected);
  const values = [
    { labels: { state: "connected" }, value: connected },
    { labels: { state: "away" }, value: away },
  ];
  return [{ name: "holdfast_agents", help: "Hosts, by whether they are connected.", values }];
}

async function runMetrics(db: Db, now: Date): Promise<Metric[]> {
  const { executions: e, expectedRuns: r } = db.tables;
  const running = await db
    .select({ kind: e.kind, value: count() })
    .from(e)
    .where(hasValue("runState", e.state, "running"))
    .groupBy(e.kind);
  const [hung] = await db
    .select({ rows: count() })
    .from(e)
    .where(and(hasValue("runState", e.state, "running"), isNotNull(e.hungAt)));
  const since = new Date(now.getTime() - DAY_MS);
  const countOf = async (state: ExpectedState, from: Date | null) => {
    const where = and(eq(r.state, state), from === null ? undefined : gte(r.dueAt, from));
    const [row] = await db.select({ rows: count() }).from(r).where(where);
    return { labels: { state }, value: row?.rows ?? 0 };
  };
  return [
    {
      name: "holdfast_runs_running",
      help: "Runs that are under way on hosts.",
      values: runKind.options.map((kind) => ({
        labels: { kind },
        value: running.find((row) => row.kind === kind)?.value ?? 0,
      })),
    },
    {
      name: "holdfast_runs_hung",
      help: "Of these, runs without progress for their limit.",
      values: [{ value: hung?.rows ?? 0 }],
    },
    {
      name: "holdfast_expected_runs_open",
      help: "Expected runs of which it is not known yet what becomes of them.",
      values: await Promise.all(OPEN.map((state) => countOf(state, null))),
    },
    {
      name: "holdfast_expected_runs_last_day",
      help: "Expected runs that were due within the last 24 hours, by what became of them.",
      values: await Promise.all(SETTLED.map((state) => countOf(state, since))),
    },
  ];
}

async function alertMetrics(db: Db): Promise<Metric[]> {
  const { alerts: a, channels: c } = db.tables;
  const open = await db
    .select({ severity: a.severity, value: count() })
    .from(a)
    .where(eq(a.state, "open"))
    .groupBy(a.severity);
  const values = SEVERITIES.map((severity) => ({
    labels: { severity },
    value: open.find((row) => row.severity === severity)?.value ?? 0,
  }));
  const channels = await db.select({ name: c.name, enabled: c.enabled }).from(c);
  return [
    { name: "holdfast_alerts_open", help: "Open alerts.", values },
    {
      name: "holdfast_channel_enabled",
      help: "1: people can be told by it.",
      values: channels.map(({ name, enabled }) => ({ labels: { channel: name }, value: enabled ? 1 : 0 })),
    },
  ];
}

async function healthMetrics(db: Db, now: Date): Promise<Metric[]> {
  const { itemStates: s } = db.tables;
  const bands = await db.select({ band: s.band, value: count() }).from(s).groupBy(s.band);
  const [compliant] = await db.select({ rows: count() }).from(s).where(eq(s.compliant, true));
  const [unproven] = await db.select({ rows: count() }).from(s).where(eq(s.proven, false));
  // A day without anything has no row, and an older one says nothing of now.
  const fleet = await worthOf(db, FLEET, now);
  return [
    {
      name: "holdfast_items",
      help: "Protected items, by how their health is.",
      values: BANDS.map((band) => ({
        labels: { band },
        value: bands.find((row) => row.band === band)?.value ?? 0,
      })),
    },
    {
      name: "holdfast_items_compliant",
      help: "Items that keep 3-2-1-1-0.",
      values: [{ value: compliant?.rows ?? 0 }],
    },
    {
      name: "holdfast_items_unproven",
      help: "Items of which backups, verifications or restore drills were not measured in seven days.",
      values: [{ value: unproven?.rows ?? 0 }],
    },
    {
      name: "holdfast_health_score",
      help: "Of the fleet, 0 to 1; absent while nothing was measured.",
      values: fleet.measured ? [{ value: fleet.score }] : [],
    },
  ];
}
