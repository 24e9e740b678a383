/** What the state of a channel means for alerts. */
import type { Observation, Subject } from "../../domain/alert/observation.ts";
import type { ChannelRow } from "./kinds.ts";

type Named = Pick<ChannelRow, "channelId" | "name">;

function subjectOf({ channelId }: Named): Subject {
  return { kind: "channel", key: `channel:${channelId}`, agentId: null };
}

/** It took something, or a person says that it is mended. */
export function channelWorks(channel: Named): [Observation, Observation] {
  const fine = { subject: subjectOf(channel), state: "ok", message: `${channel.name} takes messages` } as const;
  return [
    { ...fine, type: "channel_failed" },
    { ...fine, type: "alert_path_broken" },
  ];
}

/** A person does without it. */
export function channelRests(channel: Named): Observation[] {
  return channelWorks(channel).map((fine) => ({ ...fine, message: `${channel.name} was switched off by a person` }));
}

export function channelFailed(channel: Named, reason: string): Observation {
  const message = `the channel ${channel.name} was switched off, because it refuses for good: ${reason}`;
  return { subject: subjectOf(channel), type: "channel_failed", state: "firing", message, evidence: { reason } };
}

export function alertPathBroken(channel: Named, reason: string): Observation {
  const message = `alerts do not arrive over ${channel.name}: ${reason}`;
  return { subject: subjectOf(channel), type: "alert_path_broken", state: "firing", message, evidence: { reason } };
}

/** Some of those whom it is to tell get nothing. */
export function alertPathTorn(channel: Named, reason: string): Observation {
  const broken = alertPathBroken(channel, reason);
  const message = `not everybody gets what is told over ${channel.name}: ${reason}`;
  return { ...broken, message, evidence: { reason, partly: true } };
}
