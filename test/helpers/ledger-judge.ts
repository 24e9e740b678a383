/** Judges a simulated ledger by what really happened, which it was told late, or never. */
import type { ExpectedState } from "../../controller/src/domain/ledger/expected.ts";
import type { BookRow, Books } from "./ledger-books.ts";
import type { SimulatedHost } from "./ledger-host.ts";
import type { Trouble, YearsWish } from "./ledger-years.ts";

type Case = { books: Books; host: SimulatedHost; troubles: readonly Trouble[]; wish: YearsWish };

const MINUTE_MS = 60_000;
/** A host that is back, and in step, makes up for what was missed within so long. */
const SETTLED_MS = 120 * MINUTE_MS;

/** What is wrong with it; empty: no false alarm, no silent miss, and each day is there once. */
export function judgeLedger(one: Case): string[] {
  const faults = [...falseAlarms(one), ...calendarFaults(one)];
  const last = one.wish.until.getTime() - SETTLED_MS;
  for (const row of one.books.rows.values()) if (row.graceUntil.getTime() < last) faults.push(...faultsOf(row, one));
  return faults.slice(0, 20).map((fault) => `${one.wish.zone}: ${fault}`);
}

/** The first run for this very due, and the first that made up for it. */
function truthOf({ dueAt }: BookRow, { host }: Case) {
  const own = host.begun.find(({ due, attempt }) => due.getTime() === dueAt.getTime() && attempt === 1);
  const other = host.begun.find(({ due, since }) => since !== null && since <= dueAt && dueAt < due);
  return { own, other };
}

function faultsOf(row: BookRow, one: Case): string[] {
  const { own, other } = truthOf(row, one);
  const wanted =
    own !== undefined ? (own.at <= row.graceUntil ? "ran" : "ran_late") : other !== undefined ? "coalesced" : "missed";
  const due = row.dueAt.toISOString();
  const state: ExpectedState = row.state;
  const faults = state === wanted ? [] : [`due ${due} is '${row.state}' in the ledger and '${wanted}' in truth`];
  const isSilent =
    wanted === "missed" && !one.books.alarms.some((alarm) => alarm.due.getTime() === row.dueAt.getTime());
  if (isSilent) faults.push(`due ${due} was missed in silence`);
  return [...faults, ...(wasStuck(row, one) ? lateAlarm(row, one) : [])];
}

/** It was there, idle and in step all the time, and did not run. */
function wasStuck({ startsAt, graceUntil }: BookRow, { troubles, host }: Case): boolean {
  const before = new Date(startsAt.getTime() - 15 * MINUTE_MS);
  const after = new Date(graceUntil.getTime() + 2 * MINUTE_MS);
  const isStuck = troubles.some(({ kind, from, until }) => kind === "stuck" && from <= before && until >= after);
  return isStuck && !host.begun.some(({ at }) => at > new Date(before.getTime() - 60 * MINUTE_MS) && at <= before);
}

function lateAlarm({ dueAt, graceUntil }: BookRow, { books }: Case): string[] {
  const alarm = books.alarms.find(({ due }) => due.getTime() === dueAt.getTime());
  const seconds = alarm === undefined ? Number.POSITIVE_INFINITY : (alarm.at.getTime() - graceUntil.getTime()) / 1000;
  return seconds <= 60 ? [] : [`due ${dueAt.toISOString()} was called missed ${seconds} s after its grace`];
}

/** What began in time is never missed, but for a host that nobody heard for a day. */
function falseAlarms(one: Case): string[] {
  return one.books.alarms.flatMap(({ due, at, reason }) => {
    const row = one.books.rows.get(due.getTime());
    if (row === undefined || reason === "agent_offline") return [];
    const { own } = truthOf(row, one);
    const inTime = own !== undefined && own.at <= row.graceUntil;
    return inTime ? [`due ${due.toISOString()} ran in time and was called missed at ${at.toISOString()}`] : [];
  });
}

/** By the zone's own calendar: one due for each day, unless it is due by the hour. */
function calendarFaults({ books, wish }: Case): string[] {
  if (wish.schedule.cron.split(" ")[1] === "*") return [];
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: wish.zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const days = [...books.rows.values()].map(
    ({ dueAt }) => Date.parse(`${format.format(dueAt)}T00:00:00Z`) / 86_400_000,
  );
  return days.slice(1).flatMap((day, index) => {
    const step = day - (days[index] ?? day);
    return step === 1
      ? []
      : [`${step} days lie between two dues, the second on ${new Date(day * 86_400_000).toISOString()}`];
  });
}
