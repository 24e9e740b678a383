/** The tables of reports. Each is left out where it has nothing to say. */
import { durationText } from "../../domain/health/duration.ts";
import { band } from "../../domain/health/score.ts";
import type { ReportFacts } from "./facts.ts";
import { type Html, html } from "./html.ts";
import type { ItemFacts } from "./item-facts.ts";
import { moment, percent } from "./words.ts";

const MOST_ROWS = 200;
const LOOKS = { good: "good", warning: "warning", critical: "bad", info: "warning" } as const;

type Table = { title: string; head: Html; rows: readonly Html[]; all?: number };

function table({ title, head, rows, all = rows.length }: Table): Html {
  if (rows.length === 0) return html``;
  const shown = rows.slice(0, MOST_ROWS);
  const more = all > shown.length ? html`<p>${all - shown.length} more are not shown.</p>` : null;
  return html`<section><h2>${title}</h2>
<table><thead><tr>${head}</tr></thead><tbody>${shown}</tbody></table>${more}</section>`;
}

export function itemTable({ items, scope }: ReportFacts): Html {
  const host = scope.kind === "fleet" ? html`<th>Host</th>` : null;
  return table({
    title: "Items, the worst first",
    head: html`<th>Item</th>${host}<th>Policy</th><th class="number">Health</th><th>Newest good backup (UTC)</th>
<th>Newest proofs (UTC)</th><th>3-2-1-1-0</th>`,
    rows: items.slice(0, MOST_ROWS).map((item) => itemRow(item, scope.kind === "fleet")),
    all: items.length,
  });
}

function itemRow({ row, hostName, policyName, rpo }: ItemFacts, withHost: boolean): Html {
  const late = rpo.ok === false ? html`<br><span class="bad">older than its target</span>` : null;
  return html`<tr><td class="name">${row.name}</td>
${withHost ? html`<td class="name">${hostName ?? "told by scripts"}</td>` : null}
<td>${policyName ?? html`<span class="bad">none</span>`}</td>
<td class="number">${worth(row)}</td>
<td>${when(row.lastGoodAt)}${late}</td>
<td>verified ${when(row.lastVerifiedAt)}<br>drilled ${when(row.lastDrilledAt)}${restoreTime(row)}</td>
<td class="digits">${row.digits.map(({ holds, wanted }) => html`<span class="${holds ? "yes" : "no"}">${wanted}</span>`)}</td></tr>
`;
}

/** The worst, because it is what the target is held against. */
function restoreTime({ rtoWorstSeconds: worst, rtoTargetSeconds: wanted }: ItemFacts["row"]): Html | null {
  if (worst === null) return null;
  if (wanted !== null && worst > wanted)
    return html`<br><span class="bad">a restore took ${durationText(worst)}, target ${durationText(wanted)}</span>`;
  return html`<br>a restore took ${durationText(worst)} at worst`;
}

export function hostTable({ hosts }: ReportFacts): Html {
  return table({
    title: "Hosts, the worst first",
    head: html`<th>Host</th><th class="number">Health</th><th class="number">Items</th>
<th class="number">Not proven</th><th>Last seen (UTC)</th>`,
    all: hosts.length,
    rows: hosts.slice(0, MOST_ROWS).map(
      ({ name, health, items, unproven, lastSeenAt }) => html`<tr><td>${name}</td>
<td class="number">${health === null ? "not measured" : worth(health)}</td>
<td class="number">${items}</td><td class="number">${unproven}</td>
<td>${when(lastSeenAt)}</td></tr>
`,
    ),
  });
}

export function alertTable({ alerts }: ReportFacts): Html {
  return table({
    title: "Open alerts",
    head: html`<th>Severity</th><th>What</th><th>Since (UTC)</th>`,
    all: alerts.total,
    rows: alerts.open.map(
      ({ severity, message, createdAt, acknowledgedAt }) => html`<tr><td class="${LOOKS[severity]}">${severity}</td>
<td class="what">${message}${acknowledgedAt === null ? null : html` (acknowledged)`}</td><td>${when(createdAt)}</td></tr>
`,
    ),
  });
}

const RUN_LOOKS: Readonly<Record<string, string>> = { missed: "bad", ran_late: "warning", unknown: "warning" };

export function runTable({ newestRuns, scope, runs, items }: ReportFacts): Html {
  const names = new Map(items.map(({ row }) => [`${row.agentId}/${row.subjectId}`, row.name]));
  const isOne = scope.subjectId !== null;
  const subject = isOne ? null : html`<th>Host</th><th>Item</th>`;
  return table({
    title: isOne ? "Expected runs, the newest first" : "Missed runs, the newest first",
    head: html`<th>Due (UTC)</th>${subject}<th>Task</th><th>What became of it</th>`,
    all: isOne ? newestRuns.length : runs.missed,
    rows: newestRuns.map(
      ({ dueAt, hostName, agentId, subjectId, task, state, reason, runState }) => html`<tr><td>${when(dueAt)}</td>
${isOne ? null : html`<td>${hostName}</td><td>${names.get(`${agentId}/${subjectId}`) ?? subjectId}</td>`}<td>${task}</td>
<td><span class="${runState === "failed" ? "bad" : (RUN_LOOKS[state] ?? "")}">${state.replaceAll("_", " ")}${runState === "failed" ? ", and failed" : null}</span>${reason === null ? null : html` (${reason.replaceAll("_", " ")})`}</td></tr>
`,
    ),
  });
}

export function digitTable({ items: [item] }: ReportFacts): Html {
  return table({
    title: "3-2-1-1-0",
    head: html`<th>What</th><th class="number">Wanted</th><th class="number">Found</th><th>Evidence</th><th>True until (UTC)</th>`,
    rows: (item?.row.digits ?? []).map(
      (digit) => html`<tr><td class="${digit.holds ? "good" : "bad"}">${digit.digit.replaceAll("_", " ")}</td>
<td class="number">${digit.wanted}</td><td class="number">${digit.counted}</td>
<td><ul>${digit.evidence.map((line) => html`<li>${line}</li>`)}</ul></td>
<td>${digit.true_until === null ? (digit.holds ? "something happens" : "") : when(new Date(digit.true_until))}</td></tr>
`,
    ),
  });
}

export function copyTable({ copies }: ReportFacts): Html {
  return table({
    title: "Copies",
    head: html`<th>Copy</th><th>Media</th><th>Last run (UTC)</th><th>Result</th><th>Last good (UTC)</th>`,
    rows: copies.map(
      ({ copyType, media, lastRunAt, status, lastGoodAt }) => html`<tr><td>${copyType}</td><td>${media}</td>
<td>${when(lastRunAt)}</td><td class="${{ success: "good", warning: "warning", failed: "bad" }[status]}">${status}</td>
<td>${when(lastGoodAt)}</td></tr>
`,
    ),
  });
}

/** What could not be finished says nothing of the backup. */
const PROOF_LOOKS: Readonly<Record<string, string>> = { passed: "good", failed: "bad" };

export function proofTable({ proofs }: ReportFacts): Html {
  return table({
    title: "Newest verifications and restore drills",
    head: html`<th>When (UTC)</th><th>What</th><th>Result</th><th>Backup</th><th class="number">Restore took</th>`,
    rows: proofs.map(
      ({ at, kind, status, backupId, reason, seconds }) => html`<tr><td>${when(at)}</td><td>${kind}</td>
<td><span class="${PROOF_LOOKS[status] ?? "warning"}">${status}</span>: ${reason}</td><td>${backupId}</td>
<td class="number">${seconds === null ? "" : durationText(seconds)}</td></tr>
`,
    ),
  });
}

function worth({ score, proven }: { score: number; proven: boolean }): Html {
  const unproven = proven ? null : html`<br><span class="warning">not proven</span>`;
  return html`<span class="${LOOKS[band(score)]}">${percent(score)}</span>${unproven}`;
}

function when(at: Date | null): Html {
  return at === null ? html`<span class="bad">never</span>` : html`<span class="when">${moment(at)}</span>`;
}
