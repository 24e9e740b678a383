/** A run that does not come: its host is stopped for as long as it takes, which is noticed and told; then it comes back. */
import { timeText } from "../../../cli/format.ts";
import { whenConnected } from "../define.ts";
import { type AlertAnswer, alertsAnswer, type ExpectedRun, jobsAnswer } from "./answers.ts";
import type { ControlContext } from "./context.ts";
import { mailOf } from "./mail.ts";
import { duesAfter } from "./policy.ts";
import { waitFor } from "./wait.ts";

/** So long before the next run the host is not stopped: it would be in the middle of it. */
const QUIET_MS = 4_000;
/** What was missed some time ago may have to stay well for ten minutes before it counts. */
const FLUTTER_MS = 900_000;

type AlertType = "missed_run" | "agent_offline";

async function alertsOf({ api, agentId, item }: ControlContext, type: AlertType): Promise<AlertAnswer[]> {
  const { alerts } = await api.read(`/api/v1/alerts?agent_id=${agentId}&type=${type}&limit=200`, alertsAnswer);
  return type === "agent_offline" ? alerts : alerts.filter(({ vm_context_id }) => vm_context_id === item.vmContextId);
}

/** Tells the story unless it was told before; resolves with the alert of the missed run. */
export async function missedStory(context: ControlContext, channelId: string): Promise<AlertAnswer> {
  const told = (await alertsOf(context, "missed_run")).filter(({ notified_count }) => notified_count > 0);
  // An open one may be of the time in which nothing was started; right after others it stays open for a while.
  const before = told.find(({ state }) => state === "resolved") ?? told[0];
  if (before !== undefined) return await toldBefore(context, before);
  const { stoppedAt, offline } = await hostGoes(context, channelId);
  const missed = await runIsMissed(context, channelId, stoppedAt);
  await hostIsBack(context, channelId, offline);
  return missed;
}

async function toldBefore({ story }: ControlContext, value: AlertAnswer): Promise<AlertAnswer> {
  return await story.tell("missed run", async () => {
    const due = String(value.evidence["due_at"] ?? value.created_at);
    const what = `due ${timeText(due)}: missed; a mail said so (there already)`;
    return { value, what, size: "-", result: value.state };
  });
}

async function hostGoes(
  context: ControlContext,
  channelId: string,
): Promise<{ stoppedAt: Date; offline: AlertAnswer }> {
  const { story, programs, signal } = context;
  return await story.tell("host stopped", async () => {
    await waitFor(signal, { otherwise: "the host is never idle", look: () => isQuiet(context) });
    const stoppedAt = new Date();
    await programs.stopAgent();
    const offline = await waitFor(signal, {
      otherwise: "nobody noticed that the host is away",
      look: async () =>
        (await alertsOf(context, "agent_offline")).find((alert) => new Date(alert.created_at) >= stoppedAt),
    });
    await mailOf(context, { alertId: offline.alert_id, kind: "alert", channelId });
    const what = "its agent was ended: the controller noticed, and a mail said so";
    return { value: { stoppedAt, offline }, what, size: "-", result: "told" };
  });
}

/** Nothing is due in a moment, and what was due is done. */
async function isQuiet(context: ControlContext): Promise<true | undefined> {
  const { api, agentId } = context;
  const { jobs } = await api.read(`/api/v1/jobs?agent_id=${agentId}&limit=1000`, jobsAnswer);
  const next = jobs.flatMap(({ next_due_at }) => (next_due_at === null ? [] : [Date.parse(next_due_at)]));
  const lately = (await duesAfter(context, new Date(Date.now() - 120_000))).filter(isOpen);
  return Math.min(...next) - Date.now() > QUIET_MS && lately.length === 0 ? true : undefined;
}

function isOpen({ state, due_at }: ExpectedRun): boolean {
  return state === "running" || (state === "expected" && Date.parse(due_at) - Date.now() < QUIET_MS);
}

async function runIsMissed(context: ControlContext, channelId: string, stoppedAt: Date): Promise<AlertAnswer> {
  const { story, programs, signal } = context;
  return await story.tell("missed run", async () => {
    const unknown = await waitFor(signal, {
      otherwise: "no run was due while the host was away",
      look: async () => (await duesAfter(context, stoppedAt)).find(({ state }) => /^(unknown|missed)$/.test(state)),
    });
    programs.startAgent();
    await whenConnected(context);
    const value = await waitFor(signal, {
      otherwise: `nobody noticed that what was due at ${unknown.due_at} did not run`,
      look: async () =>
        (await alertsOf(context, "missed_run")).find((alert) => new Date(alert.created_at) >= stoppedAt),
    });
    await mailOf(context, { alertId: value.alert_id, kind: "alert", channelId });
    const now = (await duesAfter(context, stoppedAt)).find(({ due_at }) => due_at === unknown.due_at);
    const before = unknown.state === "unknown" ? "unknown while its host was away, then " : "";
    const what = `due ${timeText(unknown.due_at)}: ${before}${now?.state}; a mail said so`;
    return { value, what, size: "-", result: now?.state ?? "gone" };
  });
}

async function hostIsBack(context: ControlContext, channelId: string, offline: AlertAnswer): Promise<void> {
  await context.story.tell("host back", async () => {
    await resolvedMail(context, channelId, offline, "agent_offline");
    const what = "connected again: the alert resolved by itself, and a mail said so";
    return { value: undefined, what, size: "-", result: "resolved" };
  });
}

/** With the next run that comes, the alert is over. */
export async function resolvedStory(context: ControlContext, channelId: string, missed: AlertAnswer): Promise<void> {
  await context.story.tell("next run", async () => {
    if (missed.state === "resolved")
      return { value: undefined, what: "what was missed has run since (there already)", size: "-", result: "resolved" };
    await resolvedMail(context, channelId, missed, "missed_run");
    const [run] = (await duesAfter(context, new Date(missed.created_at))).filter(({ state }) => /^ran/.test(state));
    const due = run === undefined ? "" : `due ${timeText(run.due_at)}: ${run.state}; `;
    const what = `${due}the alert resolved by itself, and a mail said so`;
    return { value: undefined, what, size: "-", result: "resolved" };
  });
}

async function resolvedMail(
  context: ControlContext,
  channelId: string,
  alert: AlertAnswer,
  type: AlertType,
): Promise<void> {
  await waitFor(context.signal, {
    otherwise: `the alert did not end: ${alert.message}`,
    look: async () =>
      (await alertsOf(context, type)).find(
        ({ alert_id, state }) => alert_id === alert.alert_id && state === "resolved",
      ),
    patienceMs: FLUTTER_MS,
  });
  await mailOf(context, { alertId: alert.alert_id, kind: "resolved", channelId });
}
