import type { Expectation } from "../../domain/aomei/expectation.ts";
import { type Html, html, htmlText, styleSheet } from "../reports/html.ts";
import type { AomeiReport, HostReport, TaskReport } from "./report.ts";

const STYLE = `
:root { color-scheme: light; font: 15px/1.45 system-ui, sans-serif; color: #1c2330; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; break-after: avoid; }
p, footer { color: #4a5568; } .figures { display: flex; gap: .8rem; flex-wrap: wrap; margin: 1.2rem 0; }
.figure { border: 1px solid #d5dbe5; border-radius: .5rem; padding: .5rem .9rem; min-width: 7rem; }
.figure b { display: block; font-size: 1.5rem; color: #1c2330; } .figure.bad b { color: #a61b1b; }
.figure.bad { font-weight: inherit; color: inherit; border-color: #d9a5a5; }
.tasks { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #e3e8ef; vertical-align: top; }
th { font-weight: 600; color: #4a5568; white-space: nowrap; } thead { break-inside: avoid; }
td.name { min-width: 12rem; } td.when { white-space: nowrap; } td .said { display: block; color: #4a5568; font-size: .87em; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: #17693a; } .warning { color: #8a5800; } .bad { color: #a61b1b; font-weight: 600; }
.note { border-left: .25rem solid #a61b1b; padding: .2rem .8rem; }
@media print {
  :root { font-size: 11px; } body { margin: 0; padding: 0; max-width: none; } tr { break-inside: avoid; }
  .tasks { overflow-x: visible; } td.name { min-width: 8rem; } th, td { padding: .25rem .4rem; }
}
`;

/** A page that needs nothing else: no script, no picture, nothing from any other address. */
export function aomeiHtml(report: AomeiReport): string {
  const scope = report.agent === null ? "All hosts" : report.agent.name;
  const { hosts } = report;
  const without = hosts.filter(isWithout);
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
${hosts.filter((host) => !isWithout(host)).map((host) => hostPart(host, report.agent !== null))}
${without.length === 0 ? null : html`<p>No AOMEI Backupper on: ${without.map(({ agent }) => agent?.name).join(", ")}.</p>`}
${hosts.length === 0 ? html`<p>No task of AOMEI Backupper is known here.</p>` : null}
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
  const numbers: [name: string, number: number, isBad: boolean][] = [
    ["tasks", tasks.length, false],
    ["late", having(({ expectation }) => expectation.state === "late"), true],
    ["last run not good", having(({ job }) => job.lastStatus !== null && job.lastStatus !== "success"), true],
    ["never a good backup", having(({ good }) => good === null), true],
    ["images not whole", tasks.reduce((sum, { badImages }) => sum + badImages, 0), true],
    ["logs in trouble", hosts.flatMap(troublesOf).length, true],
    ["no expectation yet", having(({ expectation }) => expectation.state === "none_yet"), false],
  ];
  return html`<div class="figures">${numbers.map(
    ([name, number, isBad]) =>
      html`<div class="figure${isBad && number > 0 ? " bad" : ""}"><b>${number}</b>${name}</div>`,
  )}</div>`;
}

/** Nothing is wrong with a host that has no AOMEI Backupper; it is named with the others of its kind. */
function isWithout({ tasks, sources }: HostReport): boolean {
  return tasks.length === 0 && sources.length > 0 && sources.every(({ state }) => state === "not_installed");
}

/** What a log that can be read may be all the same: no source of runs, or not the whole of it. */
const SERIOUS = new Set(["NOT_A_LOG", "NO_RUN", "BAD_ENCODING", "TRUNCATED", "NOT_CLOSED"]);

function troublesOf({ tasks, sources }: HostReport): Trouble[] {
  return sources.flatMap(({ source, state, reason, findings }): Trouble[] => {
    const finding = findings.find(({ code }) => SERIOUS.has(code));
    if (state === "ready") return finding === undefined ? [] : [{ source, what: "odd", reason: finding.message }];
    return state === "not_installed" && tasks.length === 0 ? [] : [{ source, what: state, reason }];
  });
}

type Trouble = { source: string; what: string; reason: string | null };

function hostPart(host: HostReport, isOnly: boolean): Html {
  const { agent, tasks } = host;
  return html`<section>
${isOnly ? null : html`<h2>${agent?.name ?? "Told by scripts only, for no host"}</h2>`}
${troublesOf(host).map(
  ({ source, what, reason }) =>
    html`<p class="note"><b>${what.replaceAll("_", " ")}:</b> ${source} ${reason === null ? null : html`(${reason})`}</p>`,
)}
${tasks.length === 0 ? html`<p>No task is known of this host.</p>` : taskTable(tasks)}
</section>
`;
}

function taskTable(tasks: readonly TaskReport[]): Html {
  const sorted = tasks.toSorted((a, b) => Number(isBad(b)) - Number(isBad(a)));
  return html`<div class="tasks"><table>
<thead><tr><th>Task</th><th>Next run</th><th>Last run</th><th>Last good backup</th><th class="number">Size</th>
<th class="number">Good</th><th class="number">Warnings</th><th class="number">Failed</th></tr></thead>
<tbody>${sorted.map(taskRow)}</tbody>
</table></div>`;
}

/** What somebody has to look at stands first. */
function isBad({ job, good, badImages, expectation }: TaskReport): boolean {
  return job.lastStatus === "failed" || expectation.state === "late" || good === null || badImages > 0;
}

const RESULT = { success: ["good", "success"], warning: ["warning", "warning"], failed: ["bad", "failed"] } as const;

function taskRow({ job, good, runs, badImages, expectation, lastError }: TaskReport): Html {
  const [look, word] = job.lastStatus === null ? ["warning", "none"] : RESULT[job.lastStatus];
  const lastGood = good?.lastGoodAt ?? null;
  const images = badImages === 1 ? "1 image not whole" : `${badImages} images not whole`;
  return html`<tr>
<td class="name">${shortened(job.taskName, 120)}${badImages === 0 ? null : html`<br><span class="bad">${images}</span>`}
${lastError === null ? null : html`<span class="said">${shortened(lastError, 200)}</span>`}</td>
<td class="when">${expected(expectation)}</td>
<td class="when"><span class="${look}">${word}</span><br>${moment(job.lastRunAt)}</td>
<td class="when">${lastGood === null ? html`<span class="bad">never</span>` : moment(lastGood)}</td>
<td class="number">${bytes(good?.sizeBytes ?? null)}</td>
<td class="number">${runs.success}</td><td class="number">${runs.warning}</td><td class="number">${runs.failed}</td>
</tr>
`;
}

function shortened(text: string, most: number): string {
  const line = text.replace(/\s+/gu, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).toWellFormed()}…`;
}

function expected({ state, dueAt }: Expectation): Html {
  if (state === "none_yet") return html`no expectation yet`;
  if (state === "none") return html`none expected`;
  const late = state === "late" ? html`<span class="bad">late</span>, was due<br>` : html`due by<br>`;
  return html`${late}${moment(dueAt)}`;
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
