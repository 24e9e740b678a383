import type { AlertMatch, AlertType, Severity } from "./observation.ts";

/** What of an alert a route or a silence may ask for. */
export type AlertFacts = {
  type: AlertType;
  severity: Severity;
  subjectKey: string;
  agentId: string | null;
  policyId: string | null;
  /** Its host's. */
  labels: Readonly<Record<string, string>>;
};

/** Whether all fits that is asked for; nothing asked for fits everything. */
export function matches(match: AlertMatch, alert: AlertFacts): boolean {
  const { types, severities, agent_ids, subject_keys, policy_ids, labels = {} } = match;
  return (
    isAmong(types, alert.type) &&
    isAmong(severities, alert.severity) &&
    isAmong(agent_ids, alert.agentId) &&
    isAmong(subject_keys, alert.subjectKey) &&
    isAmong(policy_ids, alert.policyId) &&
    Object.entries(labels).every(([name, value]) => alert.labels[name] === value)
  );
}

function isAmong<Value>(asked: readonly Value[] | undefined, value: Value | null): boolean {
  if (asked === undefined || asked.length === 0) return true;
  return value !== null && asked.includes(value);
}
