/** What alerts are made of and what they become; the same shapes as the store's rows. */
import type { AlertMatch, AlertType, Severity, SubjectKind } from "./observation.ts";

/** What is wrong with whom, as a flip, a condition and an alert all say it. */
type Story = {
  subjectKey: string;
  type: AlertType;
  subjectKind: SubjectKind;
  agentId: string | null;
  severity: Severity;
  message: string;
  evidence: Record<string, unknown>;
  rootKey: string | null;
};

export type Flip = Story & { state: "firing" | "ok"; at: Date };
export type Condition = Story & { state: "firing" | "ok" };

export type Alert = Story & {
  alertId: string;
  vmContextId: string | null;
  locationId: string | null;
  backupId: string | null;
  policyId: string | null;
  state: "open" | "resolved";
  inhibitedBy: string | null;
  createdAt: Date;
  changedAt: Date;
  resolvedAt: Date | null;
  resolvedReason: string | null;
  acknowledgedAt: Date | null;
  acknowledgedBy: string | null;
  escalatedAt: Date | null;
  /** null: nobody was told of it as it is now. */
  lastNotifiedAt: Date | null;
  notifiedCount: number;
  nextLookAt: Date | null;
};

/** `routeId` null: the one that takes what no other does. */
export type Route = {
  routeId: string | null;
  name: string;
  position: number;
  match: AlertMatch;
  channelIds: string[];
  groupWaitSeconds: number;
  /** 0: never again. */
  repeatSeconds: number;
  /** null: never. */
  escalateAfterSeconds: number | null;
  escalateChannelIds: string[];
  sendResolved: boolean;
  enabled: boolean;
};

const RANK: Record<Severity, number> = { info: 0, warning: 1, critical: 2 };

/** Positive when `one` is worse than `other`. */
export function compareSeverity(one: Severity, other: Severity): number {
  return RANK[one] - RANK[other];
}

/** null when there is none. */
export function earliest(times: readonly (Date | null)[]): Date | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : new Date(Math.min(...known.map((time) => time.getTime())));
}

export function secondsAfter(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}
