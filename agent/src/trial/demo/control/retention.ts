/** Two chains, of which the policy wants the newer one: what goes, why, and that it went. */
import { countText, timeText } from "../../../cli/format.ts";
import { HoldfastError } from "../../../errors.ts";
import type { BackupAnswer } from "../answers.ts";
import { bodyOf } from "../api.ts";
import { inRepository } from "../compare.ts";
import { allBackups } from "../work.ts";
import {
  appliedAnswer,
  type MarkAnswer,
  type PlanAnswer,
  planAnswer,
  plansAnswer,
  retentionPreviewAnswer,
} from "./answers.ts";
import type { ControlContext } from "./context.ts";
import { waitFor } from "./wait.ts";

/** A kill in the middle of a removal is a reason to ask again; what the host refuses stays refused. */
const MOST_ASKED = 10;

const WORD: Record<MarkAnswer["mark"], string> = {
  keep: "keep",
  keep_as_parent: "keep (parent)",
  merge: "keep (parent)",
  remove: "remove",
};

/** `newer`: the full with which the newer chain begins. */
export async function retentionStory(context: ControlContext, newer: BackupAnswer): Promise<void> {
  const before = await allBackups(context);
  const older = before.filter(({ created_at }) => created_at < newer.created_at);
  await showPreview(context);
  await context.story.tell("retention", async () => {
    const plan = await applied(context, newer, older);
    const gone = plan.removals.flatMap(({ backup_ids }) => backup_ids);
    insistTipFirst(gone, before);
    const lying = await inRepository(context);
    const left = gone.filter((id) => lying.some((entry) => entry.startsWith(`${id} `)));
    if (left.length > 0)
      throw new HoldfastError("CONFLICT", { message: `still in the repository: ${left.join(", ")}` });
    const by = plan.made_by.startsWith("policy") ? "by itself, " : "";
    const what = `the older chain is gone from the repository, ${by}tip first: ${countText(gone.length, "backup")}; ${lying.length} stay`;
    return { value: undefined, what, size: "-", result: plan.state };
  });
}

async function showPreview({ api, agentId, item, story, notes }: ControlContext): Promise<void> {
  await story.tell("preview", async () => {
    const body = { agent_id: agentId, vm_context_id: item.vmContextId };
    const path = "/api/v1/retention/preview";
    const preview = bodyOf(await api.ask({ method: "POST", path, body }, retentionPreviewAnswer), path);
    const [found] = preview.items;
    const rows = (found?.marks ?? []).map(({ backup_id, mark, reasons }) => {
      return `${WORD[mark].padEnd(13)}  ${backup_id}  ${reasons.map(({ text }) => text).join("; ")}`;
    });
    const heading = `retention, previewed at ${timeText(new Date().toISOString())}: what would go, what stays, and why`;
    notes.push({ heading, lines: rows });
    const waits = found?.waits_for ?? null;
    const what = `removes ${preview.removes}, keeps ${preview.keeps}; ${waits === null ? "needs nobody's approval" : `a person has to approve: ${waits}`}`;
    return { value: undefined, what, size: "-", result: "done" };
  });
}

/**
 * Asks for it, approves of it where a person has to, and asks again where a kill cut it short. Retention looks by itself
 * as well, and may have been here before: what it did then is what counts.
 */
async function applied(
  context: ControlContext,
  newer: BackupAnswer,
  older: readonly BackupAnswer[],
): Promise<PlanAnswer> {
  let newest: PlanAnswer | null = null;
  let asked = 0;
  return await waitFor(context.signal, {
    otherwise: () => `retention did not remove the older chain: ${newest?.state} ${newest?.error?.message ?? ""}`,
    look: async () => {
      newest = await newestPlan(context, newer);
      if (newest === null && older.length === 0) throw nothing();
      if (newest === null || newest.state === "failed" || newest.state === "superseded") {
        if (newest !== null && asked >= MOST_ASKED) throw failed(newest);
        await ask(context);
        asked += 1;
      }
      if (newest?.state === "waiting") await approve(context, newest);
      return newest?.state === "applied" ? newest : undefined;
    },
  });
}

function failed({ state, error }: PlanAnswer): HoldfastError {
  return new HoldfastError("CONFLICT", {
    message: `the older chain was not removed (${state}): ${error?.message ?? ""}`,
  });
}

function nothing(): HoldfastError {
  return new HoldfastError("CONFLICT", { message: "there is no older chain, and no plan that removed one" });
}

/** Since the newer chain was begun. */
async function newestPlan(
  { api, agentId, item }: ControlContext,
  { created_at }: BackupAnswer,
): Promise<PlanAnswer | null> {
  const query = `agent_id=${agentId}&vm_context_id=${item.vmContextId}&limit=20`;
  const { plans } = await api.read(`/api/v1/retention/plans?${query}`, plansAnswer);
  return plans.find(({ made_at }) => Date.parse(made_at) > Date.parse(created_at)) ?? null;
}

async function ask({ api, agentId, item }: ControlContext): Promise<void> {
  const body = { agent_id: agentId, vm_context_id: item.vmContextId };
  const path = "/api/v1/retention/apply";
  bodyOf(await api.ask({ method: "POST", path, body }, appliedAnswer), path);
}

async function approve({ api, notes }: ControlContext, { plan_id, reason }: PlanAnswer): Promise<void> {
  const path = `/api/v1/retention/plans/${plan_id}/approve`;
  const reply = await api.ask({ method: "POST", path, body: { reason: "the demonstration's" } }, planAnswer);
  // Approved already by an answer that was lost, or another plan has taken its place.
  if (!reply.ok && reply.code !== "CONFLICT") bodyOf(reply, path);
  if (reply.ok) notes.push({ heading: "the plan waited for a person, who approved", lines: [reason ?? ""] });
}

/** INTERNAL when a backup was to go before one that hangs on it. */
function insistTipFirst(gone: readonly string[], before: readonly BackupAnswer[]): void {
  for (const [index, id] of gone.entries()) {
    const parent = before.find(({ backup_id }) => backup_id === id)?.parent_backup_id ?? null;
    if (parent !== null && gone.slice(0, index).includes(parent))
      throw new HoldfastError("INTERNAL", { message: `${parent} was to be removed before ${id}, which hangs on it` });
  }
}
