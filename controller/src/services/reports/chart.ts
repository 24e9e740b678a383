/** Charts as SVG: they print, they need no script, and they say in words what they show. */
import { scaleBand, scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { percentText } from "../../domain/health/percent.ts";
import { type Html, html } from "./html.ts";

/** `day`: YYYY-MM-DD. `value` null: nothing is known of that day. */
export type ScoreDay = { day: string; value: number | null };
export type BarDay = { day: string; good: number; bad: number };

const WIDTH = 760;
const HEIGHT = 190;
const PLOT = { left: 44, right: 8, top: 10, bottom: 26 } as const;
const MOST_LABELS = 8;
/** More of them would be a line of their own. */
const MOST_POINTS = 62;

/** Values in [0,1] as a line; a day without one leaves a hole. `summary`: what a reader who sees no chart is told. */
export function scoreChart(days: readonly ScoreDay[], summary: string): Html {
  const x = dayScale(days);
  const y = scaleLinear([0, 1], [HEIGHT - PLOT.bottom, PLOT.top]);
  const middle = ({ day }: ScoreDay) => (x(day) ?? 0) + x.bandwidth() / 2;
  const isKnown = ({ value }: ScoreDay) => value !== null;
  const top = ({ value }: ScoreDay) => y(value ?? 0);
  const under = area<ScoreDay>(middle, y(0), top).defined(isKnown).digits(1);
  const curve = line<ScoreDay>(middle, top).defined(isKnown).digits(1);
  const known = days.filter(isKnown);
  return frame(
    summary,
    html`${[0.25, 0.5, 0.75, 1].map((tick) => grid(y(tick), `${tick * 100} %`))}
<line class="limit" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(0.8)}" y2="${y(0.8)}"/>
<path class="under" d="${under([...days]) ?? ""}"/><path class="curve" d="${curve([...days]) ?? ""}"/>
${(days.length > MOST_POINTS ? [] : known).map((day) => html`<circle cx="${round(middle(day))}" cy="${round(top(day))}" r="2.5"><title>${day.day}: ${percentText(day.value ?? 0)}</title></circle>`)}
${dayLabels(days)}`,
  );
}

/** Two counts a day, one on the other. */
export function barChart(days: readonly BarDay[], names: { good: string; bad: string }, summary: string): Html {
  const x = dayScale(days);
  const most = Math.max(1, ...days.map(({ good, bad }) => good + bad));
  const y = scaleLinear([0, most], [HEIGHT - PLOT.bottom, PLOT.top]).nice(4);
  const bar = (name: string, look: string, day: string, from: number, to: number) =>
    to === from
      ? null
      : html`<rect class="${look}" x="${round(x(day) ?? 0)}" width="${round(x.bandwidth())}" y="${round(y(to))}" height="${round(y(from) - y(to))}"><title>${day}: ${to - from} ${name}</title></rect>`;
  const ticks = y.ticks(4).filter((tick) => Number.isInteger(tick));
  return frame(
    summary,
    html`${ticks.map((tick) => grid(y(tick), String(tick)))}
${days.map(({ day, good, bad }) => html`${bar(names.good, "bar-good", day, 0, good)}${bar(names.bad, "bar-bad", day, good, good + bad)}`)}
${dayLabels(days)}`,
  );
}

function frame(summary: string, inside: Html): Html {
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${summary}">
<title>${summary}</title>${inside}</svg>`;
}

function dayScale(days: readonly { day: string }[]) {
  return scaleBand(
    days.map(({ day }) => day),
    [PLOT.left, WIDTH - PLOT.right],
  ).paddingInner(0.25);
}

function grid(at: number, label: string): Html {
  return html`<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${round(at)}" y2="${round(at)}"/>
<text class="tick" x="${PLOT.left - 6}" y="${round(at + 4)}" text-anchor="end">${label}</text>`;
}

/** As many as there is room for, always the first; the year where it is not the same for all. */
function dayLabels(days: readonly { day: string }[]): Html[] {
  const x = dayScale(days);
  const step = Math.ceil(days.length / MOST_LABELS);
  const year = ({ day }: { day: string } = { day: "" }) => day.slice(0, 4);
  const from = year(days[0]) === year(days.at(-1)) ? 5 : 0;
  return days
    .filter((_day, index) => index % step === 0)
    .map(
      ({ day }) =>
        html`<text class="tick" x="${round((x(day) ?? 0) + x.bandwidth() / 2)}" y="${HEIGHT - 8}" text-anchor="middle">${day.slice(from)}</text>`,
    );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
