import type { Expectation } from "../../domain/aomei/expectation.ts";
import { type Html, html, htmlText, styleSheet } from "../reports/html.ts";
import type { AomeiReport, HostReport, TaskReport } from "./report.ts";

const STYLE = `
:root { color-scheme: light; font: 15px/1.45 system-ui, sans-serif; color: #1c2330; }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
p, footer { color: #4a5568; } .figures { display: flex; gap: .8rem; flex-wrap: wrap; margin: 1.2rem 0; }
.figure { border: 1px solid #d5dbe5; border-radius: .5rem; padding: .5rem .9rem; min-width: 7rem; }
.figure b { display: block; font-size: 1.5rem; color: #1c2330; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #e3e8ef; vertical-align: top; }
th { font-weight: 600; color: #4a5568; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: #17693a; } .warning { color: #8a5800; } .bad { color: #a61b1b; font-weight: 600; }
.note { border-left: .25rem solid #a61b1b; padding: .2rem .8rem; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
`;

/** A page that needs nothing else: no script, no picture, nothing from any other address. */
export function aomeiHtml(report: AomeiReport): string {
  const scope = report.agent === null ? "All hosts" : report.agent.name;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>AOMEI backups: ${scope}</title>
${styleSheet(STYLE)}
</head>
<body>
<h1>AOMEI backups: ${scope}</h1>
<p>${moment(report.from)} to ${moment(report.to)}, times in UTC.</p>
${figures(report)}
${report.hosts.map(hostPart)}
${report.hosts.length === 0 ? html`<p>No task of AOMEI Backupper is known here.</p>` : null}
<footer><p>A good backup is one whose run succeeded. An image of AOMEI Backupper cannot be restored by Holdfast, so none of
these is proven by a drill.</p></footer>
</body>
</html>
`;
  return htmlText(page);
}

function figures({ hosts }: AomeiReport): Html {
  const tasks = hosts.flatMap((host) => host.tasks);
  const having = (test: (task: TaskReport) => boolean) => tasks.filter(test).length;
  const numbers: [string, number][] = [
    ["tasks", tasks.length],
    ["late", having(({ expectation }) => expectation.state === "late")],
    ["last run not good", having(({ job }) => job.lastStatus !== null && job.lastStatus !== "success")],
    ["never a good backup", having(({ good }) => good === null)],
    ["no expectation yet", having(({ expectation }) => expectation.state === "none_yet")],
  ];
  return html`<div class="figures">${numbers.map(
    ([name, number]) => html`<div class="figure"><b>${number}</b>${name}</div>`,
  )}</div>`;
}

function hostPart({ agent, sources, tasks }: HostReport): Html {
  const troubles = sources.filter(({ state }) => state !== "ready");
  return html`<section>
<h2>${agent?.name ?? "Told by scripts only, for no host"}</h2>
${troubles.map(
  ({ source, state, reason }) =>
    html`<p class="note"><b>${state.replaceAll("_", " ")}:</b> ${source} ${reason === null ? null : html`(${reason})`}</p>`,
)}
${tasks.length === 0 ? html`<p>No task is known of this host.</p>` : taskTable(tasks)}
</section>
`;
}

function taskTable(tasks: readonly TaskReport[]): Html {
  return html`<table>
<thead><tr><th>Task</th><th>Expected</th><th>Last run</th><th>Last good backup</th><th>Size</th>
<th>Good</th><th>Warnings</th><th>Failed</th></tr></thead>
<tbody>${tasks.map(taskRow)}</tbody>
</table>`;
}

const RESULT = { success: ["good", "success"], warning: ["warning", "warning"], failed: ["bad", "failed"] } as const;

function taskRow({ job, good, runs, badImages, expectation }: TaskReport): Html {
  const [look, word] = job.lastStatus === null ? ["warning", "none"] : RESULT[job.lastStatus];
  const lastGood = good?.lastGoodAt ?? null;
  return html`<tr>
<td>${job.taskName}${badImages === 0 ? null : html`<br><span class="bad">${badImages} images not whole</span>`}</td>
<td>${expected(expectation)}</td>
<td><span class="${look}">${word}</span><br>${moment(job.lastRunAt)}</td>
<td>${lastGood === null ? html`<span class="bad">never</span>` : moment(lastGood)}</td>
<td class="number">${bytes(good?.sizeBytes ?? null)}</td>
<td class="number">${runs.success}</td><td class="number">${runs.warning}</td><td class="number">${runs.failed}</td>
</tr>
`;
}

function expected({ state, dueAt }: Expectation): Html {
  if (state === "none_yet") return html`no expectation yet`;
  if (state === "none") return html`nothing`;
  const late = state === "late" ? html`<span class="bad">late</span><br>` : null;
  return html`${late}by ${moment(dueAt)}`;
}

function moment(at: Date | null): string {
  return at === null ? "" : `${at.toISOString().slice(0, 16).replace("T", " ")}`;
}

function bytes(size: number | null): string {
  if (size === null || size === 0) return "";
  const power = Math.min(5, Math.floor(Math.log10(size) / 3));
  const unit = ["B", "kB", "MB", "GB", "TB", "PB"][power] ?? "B";
  return `${(size / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${unit}`;
}
