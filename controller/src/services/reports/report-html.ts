/** A report as one page that needs nothing else: no script, no picture, nothing from any other address. */
import { daysFrom } from "../../domain/health/days.ts";
import { barChart, scoreChart } from "./chart.ts";
import type { ReportFacts } from "./facts.ts";
import { figuresOf } from "./figures.ts";
import { type Html, html, htmlText, styleSheet } from "./html.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { alertTable, copyTable, digitTable, hostTable, itemTable, proofTable, runTable } from "./tables.ts";
import { counted, moment, percent } from "./words.ts";

export function reportHtml(facts: ReportFacts): string {
  const { scope, from, until, madeAt } = facts;
  return htmlText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Backups: ${scope.name}, ${from} to ${until}</title>
${styleSheet(REPORT_STYLE)}
</head>
<body>
<h1>Backups: ${scope.name}</h1>
<p class="lead">${from} to ${until}, made ${moment(madeAt)}. Days and times are in UTC.</p>
<div class="figures">${figuresOf(facts).map(
    ({ name, value, look, note }) =>
      html`<div class="figure is-${look}"><b>${value}</b>${name}<small>${note}</small></div>`,
  )}</div>
${charts(facts)}
${alertTable(facts)}
${scope.kind === "fleet" || scope.kind === "agent" ? wide(facts) : narrow(facts)}
<footer><p>The health score is half the rate of backups that went well, three tenths that of verifications that passed,
and two tenths that of restore drills that passed, over seven days; a missed run is a backup that did not go well. What nobody
measured is <b>not proven</b> and counts nothing. 3-2-1-1-0: three copies, two kinds of media, one off-site, one offline or
immutable, no errors in the newest verification and drill of each copy.</p></footer>
</body>
</html>
`);
}

function wide(facts: ReportFacts): Html {
  return html`${itemTable(facts)}${hostTable(facts)}${runTable(facts)}`;
}

function narrow(facts: ReportFacts): Html {
  return html`${digitTable(facts)}${copyTable(facts)}${proofTable(facts)}${runTable(facts)}`;
}

function charts({ days, from, until, period }: ReportFacts): Html {
  if (days.length === 0) return html`<p>Nothing was measured in this time.</p>`;
  const known = new Map(days.map((day) => [day.metricDate, day]));
  const all = daysFrom(from, until);
  const scores = all.map((day) => ({ day, value: known.get(day)?.healthScore ?? null }));
  const bars = all.map((day) => {
    const row = known.get(day);
    // A run with warnings is none that went well.
    const good = row?.successfulBackups ?? 0;
    return { day, good, bad: (row?.totalBackups ?? good) - good };
  });
  const last = days.at(-1)?.healthScore ?? null;
  const scoreWords = `Health score of the week that ends with each day, from ${from} to ${until}; at the end ${percent(last)}`;
  const barWords = `${counted(period.backups, "backup")} in all, of which ${period.backups - period.good} did not go well`;
  return html`<div class="charts">
<figure><figcaption>Health score (of the seven days that end with each; dashed: good from 80 % on)</figcaption>
${scoreChart(scores, scoreWords)}</figure>
<figure><figcaption>Backups a day <span class="key bar-good"></span>went well <span class="key bar-bad"></span>failed, was
missed, or had warnings</figcaption>${barChart(bars, { good: "went well", bad: "did not" }, barWords)}</figure>
</div>`;
}
