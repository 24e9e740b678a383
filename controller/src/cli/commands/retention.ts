/** What retention would do, did, and asks a person for. */
import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { RetentionMarkDocument, RetentionPlanDocument, RetentionPreviewDocument } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { plainText, shortText, stateWord, timeText } from "../format.ts";
import { findItem, itemQuery } from "../item-named.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { show, tell } from "../single.ts";
import { table } from "../table.ts";
import { type WaitOption, waitUntil } from "../wait.ts";

const PATH = "/api/v1/retention";
const UNDER_WAY: readonly RetentionPlanDocument["state"][] = ["approved", "applying"];

type Reasons = RetentionMarkDocument["reasons"];

function reasonsText(reasons: Reasons): string {
  const told = reasons.map(
    ({ text, until }) => `${plainText(text)}${until === null ? "" : ` until ${timeText(until)}`}`,
  );
  return told.length === 0 ? "-" : told.join("; ");
}

export type OfItem = Globals & { agent?: string };

/** Exactly what `apply` would do; nothing is done. */
export async function previewRetention(named: string, options: OfItem): Promise<Answer> {
  return await withClient(options, async (client) => {
    const { agent_id, vm_context_id } = await findItem(client, named, options.agent);
    const body = { agent_id, vm_context_id };
    const preview = await client.call<RetentionPreviewDocument>("POST", `${PATH}/preview`, { body });
    return { document: preview, text: () => previewText(preview), exitCode: EXIT.ok };
  });
}

function previewText({ items, removes, keeps }: RetentionPreviewDocument): string {
  const rows = items
    .flatMap(({ marks }) => marks ?? [])
    .map((one) => [
      ...[one.backup_id, String(one.disk_id), one.repository_id, stateWord(one.mark)],
      reasonsText(one.reasons),
    ]);
  const waits = items.flatMap(({ waits_for }) => (waits_for === null ? [] : [plainText(waits_for)]));
  return [
    ...(rows.length === 0 ? [] : [table(["BACKUP", "DISK", "REPOSITORY", "MARK", "WHY"], rows)]),
    `${removes} would be removed, ${keeps} stay.`,
    ...waits.map((why) => `A person would have to decide: ${why}`),
    ...(removes > 0 && items.some(({ host_floor }) => host_floor === null)
      ? ["The host has not said what it keeps by itself: it may refuse some of this."]
      : []),
  ].join("\n");
}

type Applied = { plan: RetentionPlanDocument | null };

export async function applyRetention(named: string, options: OfItem & WaitOption): Promise<Answer> {
  return await withClient(options, async (client) => {
    const { agent_id, vm_context_id } = await findItem(client, named, options.agent);
    const asked = await client.call<Applied>("POST", `${PATH}/apply`, { body: { agent_id, vm_context_id } });
    if (asked.plan === null) return { document: asked, text: () => "Nothing is to go.", exitCode: EXIT.ok };
    if (options.wait === undefined) return applied(asked.plan, EXIT.ok);
    const plan = await waitUntil(
      options,
      planOf(client, asked.plan.plan_id),
      ({ state }) => !UNDER_WAY.includes(state),
    );
    return applied(plan, exitCodeOf(plan));
  });
}

function applied(plan: RetentionPlanDocument, exitCode: ExitCode): Answer {
  return { document: { plan }, text: () => planText(plan), exitCode };
}

/** One that waits for a person, or was given up, did nothing either way. */
function exitCodeOf({ state }: RetentionPlanDocument): ExitCode {
  if (state === "applied") return EXIT.ok;
  return state === "failed" ? EXIT.failed : EXIT.inconclusive;
}

function planOf(client: Client, id: string): () => Promise<RetentionPlanDocument> {
  return () => client.call("GET", `${PATH}/plans/${encodeURIComponent(id)}`);
}

function planText({ plan_id, state, removes, keeps, reason, error }: RetentionPlanDocument): string {
  const why = error?.message ?? reason;
  const end = why === null ? "" : `: ${plainText(why)}`;
  return `plan ${plan_id} (${removes} to go, ${keeps} stay): ${stateWord(state)}${end}`;
}

const PLANS: ListSpec<RetentionPlanDocument> = {
  path: `${PATH}/plans`,
  field: "plans",
  columns: [
    ["MADE", (plan) => timeText(plan.made_at)],
    ["ITEM", (plan) => plan.vm_context_id],
    ["STATE", (plan) => stateWord(plan.state)],
    ["GO", (plan) => String(plan.removes)],
    ["STAY", (plan) => String(plan.keeps + plan.merges)],
    ["WHY", (plan) => shortText(plan.error?.message ?? plan.reason)],
    ["HOST", (plan) => plan.agent_id],
    ["ID", (plan) => plan.plan_id],
  ],
  none: "There is no such plan.",
};

export async function listPlans(options: PageOptions & OfItem & { item?: string; state?: string }): Promise<Answer> {
  return await list(options, PLANS, async (client) => ({
    ...(await itemQuery(client, options.item, options.agent)),
    state: options.state,
  }));
}

export async function showPlan(id: string, globals: Globals): Promise<Answer> {
  return await show(
    globals,
    (client) => planOf(client, id)(),
    (plan) => [
      ["plan", plan.plan_id],
      ["item", `${plan.vm_context_id} on ${plan.agent_id}`],
      ["policy", `${plan.policy_id}, version ${plan.policy_version}`],
      ["made", `${timeText(plan.made_at)} by ${plainText(plan.made_by)}`],
      ["state", `${stateWord(plan.state)}${plan.reason === null ? "" : `: ${plainText(plan.reason)}`}`],
      ...(plan.error === null ? [] : [["error", plainText(plan.error.message)] as const]),
      ["stay", String(plan.keeps + plan.merges)],
      ...plan.removals.flatMap(({ repository_id, backup_ids }) =>
        backup_ids.map((backup) => [`from ${repository_id}`, backup] as const),
      ),
      ...plan.left_ids.map((backup) => ["could not go", backup] as const),
      ["decided", plan.decided_at === null ? "-" : `${timeText(plan.decided_at)} by ${plainText(plan.decided_by)}`],
      ["finished", timeText(plan.finished_at)],
    ],
  );
}

export async function decidePlan(
  id: string,
  decision: "approve" | "reject",
  options: Globals & { reason: string },
): Promise<Answer> {
  const path = `${PATH}/plans/${encodeURIComponent(id)}/${decision}`;
  const body = { reason: options.reason };
  return await tell(options, (client) => client.call<RetentionPlanDocument>("POST", path, { body }), planText);
}

const MARKS: ListSpec<RetentionMarkDocument> = {
  path: `${PATH}/marks`,
  field: "marks",
  columns: [
    ["BACKUP", (one) => one.backup_id],
    ["ITEM", (one) => one.vm_context_id],
    ["MARK", (one) => stateWord(one.mark)],
    ["DECIDED", (one) => timeText(one.decided_at)],
    ["WHY", (one) => reasonsText(one.reasons)],
  ],
  none: "Nothing has been decided yet.",
};

export async function listMarks(
  named: string | undefined,
  options: PageOptions & OfItem & { mark?: string },
): Promise<Answer> {
  return await list(options, MARKS, async (client) => ({
    ...(await itemQuery(client, named, options.agent)),
    mark: options.mark,
  }));
}
