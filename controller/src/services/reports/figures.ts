/** The few numbers that stand at a report's top. */

import { durationText } from "../../domain/health/duration.ts";
import { band } from "../../domain/health/score.ts";
import type { ReportFacts } from "./facts.ts";
import { bytes, counted, percent } from "./words.ts";

export type Figure = { name: string; value: string; look: "good" | "warning" | "bad" | "plain"; note: string };

export function figuresOf(facts: ReportFacts): Figure[] {
  const { period, runs, scope } = facts;
  const isOne = scope.subjectId !== null;
  return [
    healthFigure(facts),
    rateFigure("backups that went well", period.rates.backup, `of ${period.backups}`),
    rateFigure("verifications passed", period.rates.verification, `of ${period.verifications}`),
    rateFigure("restore drills passed", period.rates.drill, `of ${period.drills}`),
    missedFigure(runs),
    plain("open alerts", facts.alerts.total, "now"),
    ...(isOne ? itemFigures(facts) : fleetFigures(facts)),
    sizeFigure(facts),
  ];
}

function healthFigure({ health, items }: ReportFacts): Figure {
  const looks = { good: "good", warning: "warning", critical: "bad" } as const;
  const name = "health";
  if (!health.measured && items.length === 0)
    return { name, value: "nothing yet", look: "plain", note: "nothing is protected" };
  if (!health.measured) return { name, value: "not measured", look: "bad", note: "nothing in seven days" };
  const { backup, verification, drill } = health.rates;
  const parts = { backups: backup, verifications: verification, "restore drills": drill };
  const missing = Object.entries(parts).flatMap(([part, rate]) => (rate === null ? [part] : []));
  const unproven = items.filter(({ row }) => !row.proven).length;
  const gaps = [
    ...(missing.length === 0 ? [] : [`not proven: ${missing.join(", ")}`]),
    ...(items.length > 1 && unproven > 0 ? [`not all of it is proven of ${unproven} of ${items.length} items`] : []),
  ];
  const look = looks[band(health.score)];
  // Of what nobody knows nothing is good, however good the rest is.
  const shown = look === "good" && gaps.length > 0 ? "warning" : look;
  return { name, value: percent(health.score), look: shown, note: ["seven days", ...gaps].join("; ") };
}

/** That nothing was missed is good only where something was to be. */
function missedFigure({ missed, ran, ran_late, unknown }: ReportFacts["runs"]): Figure {
  const name = "missed runs";
  if (missed + ran + ran_late + unknown === 0) return { name, value: "0", look: "plain", note: "no run was due" };
  const late = ran_late === 0 ? "" : `, ${ran_late} of them late`;
  const open = unknown === 0 ? "" : `; of ${unknown} nobody knows yet`;
  const figure = plain(name, missed, `${ran + ran_late} ran${late}${open}`);
  return missed === 0 && unknown > 0 ? { ...figure, look: "warning" } : figure;
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
  const look = compliant === items.length ? "good" : "warning";
  const figures: Figure[] = [
    { name: "items keep 3-2-1-1-0", value: `${compliant} of ${items.length}`, look, note: "now" },
    plain("items not proven", unproven, "not backed up, verified and drilled within a week"),
    agesFigure(items),
  ];
  // Of nothing nothing is good.
  return items.length === 0 ? figures.map((figure) => ({ ...figure, look: "plain" })) : figures;
}

function agesFigure(items: ReportFacts["items"]): Figure {
  const tooOld = items.filter(({ rpo }) => rpo.ok === false).length;
  const targeted = items.filter(({ rpo }) => rpo.dueAt !== null).length;
  const never = items.filter(({ row }) => row.lastGoodAt === null).length;
  const note = `${targeted} of ${counted(items.length, "item")} with a target; ${never} without any good backup`;
  const look = tooOld > 0 ? "bad" : never > 0 ? "warning" : targeted === 0 ? "plain" : "good";
  return { name: "restore points too old", value: String(tooOld), look, note };
}

function itemFigures({ items: [item], copies }: ReportFacts): Figure[] {
  if (item === undefined) return [{ name: "age of the newest good backup", value: "none", look: "bad", note: "" }];
  const { row, rpo } = item;
  const age = rpo.ageSeconds === null ? "none" : durationText(rpo.ageSeconds);
  const target = row.rpoTargetSeconds === null ? "no target" : `target ${durationText(row.rpoTargetSeconds)}`;
  const looks = { true: "good", false: "bad", null: "plain" } as const;
  const look = rpo.ageSeconds === null ? "bad" : looks[`${rpo.ok}`];
  const newest: Figure = { name: "age of the newest good backup", value: age, note: target, look };
  return copies.length > 0 ? [newest] : [newest, restoreFigure(row)];
}

function restoreFigure(row: ReportFacts["items"][number]["row"]): Figure {
  const { rtoMedianSeconds: median, rtoWorstSeconds: worst, rtoTargetSeconds: wanted } = row;
  const name = "a restore took (median)";
  const target = wanted === null ? "no target" : `target ${durationText(wanted)}`;
  if (median === null || worst === null) return { name, value: "not measured", look: "warning", note: target };
  const look = wanted === null ? "plain" : worst > wanted ? "bad" : "good";
  return { name, value: durationText(median), look, note: `worst ${durationText(worst)}, ${target}` };
}

function sizeFigure({ days }: ReportFacts): Figure {
  const last = days.at(-1);
  const value = last === undefined ? "unknown" : bytes(last.totalSizeBytes);
  return { name: "stored backups", value, look: "plain", note: last === undefined ? "" : `on ${last.metricDate}` };
}
