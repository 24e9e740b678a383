/** Everything that a report tells, read from what the controller keeps up to date anyway. */
import { and, eq, inArray, sum } from "drizzle-orm";
import { addDays, dayOf, daysFrom } from "../../domain/health/days.ts";
import { type HealthScore, score, WINDOW_DAYS } from "../../domain/health/score.ts";
import type { ExpectedState } from "../../domain/ledger/expected.ts";
import type { Db } from "../../store/db.ts";
import type { AlertRow } from "../alerts/alert-row.ts";
import { type DailyRow, daysOf, worthOf } from "../health/daily.ts";
import { openAlertsOf } from "./alert-facts.ts";
import { type ItemFacts, itemsOf } from "./item-facts.ts";
import { type ProofFacts, proofsOf } from "./proof-facts.ts";
import { runCounts, runsOf, type ShownRun } from "./run-facts.ts";
import type { ReportScope } from "./scope.ts";

export type HostFacts = {
  agentId: string;
  name: string;
  /** Of the last seven days; null: nothing is known of them. */
  health: HealthScore | null;
  items: number;
  /** Of these. */
  unproven: number;
  lastSeenAt: Date | null;
};
export type CopyFacts = Db["tables"]["aomeiCopies"]["$inferSelect"];

export type ReportFacts = {
  scope: ReportScope;
  madeAt: Date;
  /** Days (UTC), both included. */
  from: string;
  until: string;
  /** Oldest first; a day on which nothing was measured is not there. */
  days: DailyRow[];
  /** Of the last seven days, whatever the period is. */
  health: HealthScore;
  /** Of the whole period. */
  period: HealthScore & { backups: number; good: number; verifications: number; drills: number };
  /** The worst first. */
  items: ItemFacts[];
  hosts: HostFacts[];
  runs: Record<ExpectedState, number>;
  /** The newest: of the fleet and of a host the missed ones, of an item all. */
  newestRuns: ShownRun[];
  alerts: { open: AlertRow[]; total: number };
  /** Of an item. */
  proofs: ProofFacts[];
  /** Of an AOMEI job. */
  copies: CopyFacts[];
};

/** Over the last `days` days, today included. */
export async function reportFacts(db: Db, scope: ReportScope, days: number, now: Date): Promise<ReportFacts> {
  const until = dayOf(now);
  const from = addDays(until, 1 - days);
  const ofScope = { scopeKind: scope.kind, scopeId: scope.id };
  const daily = await daysOf(db, ofScope, from, until);
  const names = await hostNames(db, scope);
  const items = await itemsOf(db, scope, names, now);
  return {
    ...{ scope, madeAt: now, from, until, days: daily, items, period: periodOf(daily) },
    health: await worthOf(db, ofScope, now),
    hosts: await hostsOf(db, scope, items, until),
    runs: await runCounts(db, scope, new Date(`${from}T00:00:00.000Z`)),
    newestRuns: await runsOf(db, scope, new Date(`${from}T00:00:00.000Z`), names),
    alerts: await openAlertsOf(db, scope),
    proofs: await proofsOf(db, scope),
    copies: await copiesOf(db, scope),
  };
}

function periodOf(days: readonly DailyRow[]): ReportFacts["period"] {
  const sum = (numberOf: (day: DailyRow) => number) => days.reduce((all, day) => all + numberOf(day), 0);
  const backups = sum((day) => day.totalBackups);
  const verifications = sum((day) => day.verificationsTotal);
  const drills = sum((day) => day.drillsTotal);
  const worth = score({
    backup: { good: sum((day) => day.successfulBackups), total: backups },
    verification: { good: sum((day) => day.verificationsPassed), total: verifications },
    drill: { good: sum((day) => day.drillsPassed), total: drills },
  });
  return { ...worth, backups, verifications, drills, good: sum((day) => day.successfulBackups) };
}

async function hostNames(db: Db, { agentId }: ReportScope): Promise<ReadonlyMap<string, string>> {
  const { agents: a } = db.tables;
  const which = agentId === null ? undefined : eq(a.agentId, agentId);
  const rows = await db.select({ agentId: a.agentId, name: a.name }).from(a).where(which);
  return new Map(rows.map((row) => [row.agentId, row.name]));
}

/** Of the fleet only, the worst first, those of which nothing is known last. */
async function hostsOf(
  db: Db,
  { kind }: ReportScope,
  items: readonly ItemFacts[],
  today: string,
): Promise<HostFacts[]> {
  if (kind !== "fleet") return [];
  const { agents: a } = db.tables;
  const rows = await db.select().from(a).where(eq(a.state, "enrolled"));
  const worths = await worthsOfHosts(db, today);
  const counts = Map.groupBy(items, ({ row }) => row.agentId);
  return rows
    .map(({ agentId, name, lastSeenAt }) => {
      const own = counts.get(agentId) ?? [];
      const unproven = own.filter(({ row }) => !row.proven).length;
      return { agentId, name, lastSeenAt, health: worths.get(agentId) ?? null, items: own.length, unproven };
    })
    .sort((one, other) => (one.health?.score ?? 2) - (other.health?.score ?? 2) || (one.name < other.name ? -1 : 1));
}

async function worthsOfHosts(db: Db, today: string): Promise<Map<string, HealthScore>> {
  const { healthDaily: h } = db.tables;
  const total = (column: Parameters<typeof sum>[0]) => sum(column).mapWith(Number);
  const rows = await db
    .select({
      agentId: h.scopeId,
      backup: { good: total(h.successfulBackups), total: total(h.totalBackups) },
      verification: { good: total(h.verificationsPassed), total: total(h.verificationsTotal) },
      drill: { good: total(h.drillsPassed), total: total(h.drillsTotal) },
    })
    .from(h)
    .where(and(inArray(h.metricDate, daysFrom(addDays(today, 1 - WINDOW_DAYS), today)), eq(h.scopeKind, "agent")))
    .groupBy(h.scopeId);
  const worths = rows.map(({ agentId, ...counts }) => [agentId, score(counts)] as const);
  return new Map(worths.filter(([, { measured }]) => measured));
}

async function copiesOf(db: Db, { kind, id }: ReportScope): Promise<CopyFacts[]> {
  if (kind !== "aomei") return [];
  const { aomeiCopies: c } = db.tables;
  return await db
    .select()
    .from(c)
    .where(eq(c.jobId, Number(id)))
    .orderBy(c.copyType, c.media);
}
