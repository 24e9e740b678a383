/** The few numbers that stand at a report's top. */
import { band } from "../../domain/health/score.ts";
import type { ReportFacts } from "./facts.ts";
import { bytes, counted, duration, percent } from "./words.ts";

export type Figure = { name: string; value: string; look: "good" | "warning" | "bad" | "plain"; note: string };

export function figuresOf(facts: ReportFacts): Figure[] {
  const { period, runs, scope } = facts;
  const isOne = scope.subjectId !== null;
  return [
    healthFigure(facts),
    rateFigure("backups that went well", period.rates.backup, `of ${period.backups}`),
    rateFigure("verifications passed", period.rates.verification, `of ${period.verifications}`),
    rateFigure("restore drills passed", period.rates.drill, `of ${period.drills}`),
    plain("missed runs", runs.missed, `${runs.ran + runs.ran_late} ran, ${runs.ran_late} of them late`),
    plain("open alerts", facts.alerts.total, "now"),
    ...(isOne ? itemFigures(facts) : fleetFigures(facts)),
    sizeFigure(facts),
  ];
}

function healthFigure({ health, period }: ReportFacts): Figure {
  const looks = { good: "good", warning: "warning", critical: "bad" } as const;
  const note = period.proven ? "seven days" : "seven days; not all of it is proven";
  if (health === null) return { name: "health", value: "not measured", look: "bad", note: "seven days" };
  return { name: "health", value: percent(health), look: looks[band(health)], note };
}

function rateFigure(name: string, rate: number | null, note: string): Figure {
  const look = rate === null ? "warning" : rate === 1 ? "good" : rate >= 0.8 ? "warning" : "bad";
  return { name, value: percent(rate), look, note };
}

function plain(name: string, value: number, note: string): Figure {
  return { name, value: String(value), look: value === 0 ? "good" : "bad", note };
}

function fleetFigures({ items }: ReportFacts): Figure[] {
  const having = (test: (item: ReportFacts["items"][number]) => boolean) => items.filter(test).length;
  const compliant = having(({ row }) => row.compliant);
  const unproven = having(({ row }) => !row.proven);
  const tooOld = having(({ rpo }) => rpo.ok === false);
  const never = having(({ row }) => row.lastGoodAt === null);
  return [
    {
      ...{ name: "items keep 3-2-1-1-0", value: `${compliant} of ${items.length}` },
      ...{ look: compliant === items.length ? "good" : "warning", note: "now" },
    },
    { ...plain("items not proven", unproven, "not verified, or not drilled, within a week") },
    plain("restore points too old", tooOld, `${counted(never, "item")} without any good backup`),
  ];
}

function itemFigures({ items: [item] }: ReportFacts): Figure[] {
  if (item === undefined) return [];
  const { row, rpo } = item;
  const age = rpo.ageSeconds === null ? "none" : duration(rpo.ageSeconds);
  const target = row.rpoTargetSeconds === null ? "no target" : `target ${duration(row.rpoTargetSeconds)}`;
  const { rtoMedianSeconds: median, rtoWorstSeconds: worst, rtoTargetSeconds: wanted } = row;
  const isSlow = worst !== null && wanted !== null && worst > wanted;
  return [
    {
      ...{ name: "age of the newest good backup", value: age, note: target },
      look: rpo.ok === false || rpo.ageSeconds === null ? "bad" : "good",
    },
    {
      ...{ name: "a restore took (median)", value: median === null ? "not measured" : duration(median) },
      look: median === null ? "warning" : isSlow ? "bad" : "good",
      note: `worst ${worst === null ? "unknown" : duration(worst)}, ${wanted === null ? "no target" : `target ${duration(wanted)}`}`,
    },
  ];
}

function sizeFigure({ days }: ReportFacts): Figure {
  const last = days.at(-1);
  const value = last === undefined ? "unknown" : bytes(last.totalSizeBytes);
  return { name: "stored backups", value, look: "plain", note: last === undefined ? "" : `on ${last.metricDate}` };
}
