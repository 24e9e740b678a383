/** The controller at work by itself: a policy each minute, retention, a run that is missed, mails, and the report. */
import type { BackupAnswer } from "../answers.ts";
import type { Proof } from "../story.ts";
import type { ControlContext } from "./context.ts";
import { fleetStory } from "./fleet.ts";
import { mailStory } from "./mail.ts";
import { missedStory, resolvedStory } from "./missed.ts";
import { dueLine, duesAfter, policyStory, scheduledStory } from "./policy.ts";
import { retentionStory } from "./retention.ts";

/** `newer`: the full with which the newer of two chains begins. Resolves with what the policy's own run has proven. */
export async function controlStory(context: ControlContext, newer: BackupAnswer): Promise<Proof> {
  const channelId = await mailStory(context);
  await policyStory(context);
  const since = new Date(newer.completed_at ?? newer.created_at);
  const { backup } = await scheduledStory(context, since);
  await retentionStory(context, newer);
  const missed = await missedStory(context, channelId);
  await resolvedStory(context, channelId, missed);
  await fleetStory(context);
  const { mails, notes } = context;
  const runs = (await duesAfter(context, since)).filter(({ settled_at }) => settled_at !== null);
  notes.push({ heading: "what was due, and what became of it", lines: runs.map(dueLine) });
  const lines = mails.mails.map(({ at, subject }) => `${at.toISOString().slice(11, 19)}Z  ${subject}`);
  notes.push({ heading: "the mails that came", lines });
  return { backup, restoreSeconds: backup.drill?.restore_seconds ?? Number.NaN };
}
