/** What a policy says, in words. */
import type { PolicyDocument } from "./documents.ts";
import { plainText, secondsText, timeText } from "./format.ts";

type Schedule = PolicyDocument["backup"]["schedule"];

export function scheduleText({ cron, zone, jitter_seconds, blackouts }: Schedule): string {
  const jitter = jitter_seconds === 0 ? "" : `, up to ${secondsText(jitter_seconds)} later`;
  const closed = blackouts.length === 0 ? "" : `, ${blackouts.length} blackouts a week`;
  return `${plainText(cron)} (${plainText(zone)})${jitter}${closed}`;
}

function proofText({ mode, schedule, which }: PolicyDocument["verify"]): string {
  if (mode !== "scheduled" || schedule === null) return mode === "off" ? "never" : "after each backup";
  return `${scheduleText(schedule)}, the ${which}`;
}

function retentionText({ keep_days, keep_last, gfs, min_points, immutable_days }: PolicyDocument["retention"]): string {
  const kept = [
    ...(keep_days === undefined ? [] : [`${keep_days} days`]),
    ...(keep_last === undefined ? [] : [`the newest ${keep_last}`]),
    ...(gfs === undefined ? [] : [`${gfs.daily} daily, ${gfs.weekly} weekly and ${gfs.monthly} monthly`]),
  ];
  if (kept.length === 0) return "everything is kept";
  const locked = immutable_days === undefined ? "" : `; nothing below ${immutable_days} days is removed by anyone`;
  return `keeps ${kept.join(", and ")}, and ${min_points} at least${locked}`;
}

/** Which items it is for. */
export function selectionText({ items, selector }: Pick<PolicyDocument, "items" | "selector">): string {
  const named = items.length === 0 ? [] : [`${items.length} by name`];
  const text = [...named, ...(selector === null ? [] : [selectorText(selector)])].join("; ");
  return text === "" ? "nothing: it is a draft" : text;
}

export function selectorText({ labels, agent_ids, vm_names }: NonNullable<PolicyDocument["selector"]>): string {
  const parts = [
    ...Object.entries(labels).map(([name, value]) => `${plainText(name)}=${plainText(value)}`),
    ...(agent_ids === undefined ? [] : [agent_ids.length === 1 ? "1 host" : `${agent_ids.length} hosts`]),
    ...(vm_names ?? []).map(plainText),
  ];
  return parts.length === 0 ? "everything" : parts.join(", ");
}

export function policyFacts(policy: PolicyDocument): (readonly [string, string])[] {
  const { targets } = policy;
  return [
    ["policy", plainText(policy.name)],
    ["id", policy.policy_id],
    ["state", `${stateOf(policy)}, version ${policy.version}`],
    ...(policy.description === "" ? [] : [["about", plainText(policy.description)] as const]),
    ["for", selectionText(policy)],
    ["priority", String(policy.priority)],
    ["backup", scheduleText(policy.backup.schedule)],
    ["verification", proofText(policy.verify)],
    ["drill", proofText(policy.drill)],
    ["retention", retentionText(policy.retention)],
    ["restore point", targets.rpo_seconds === null ? "-" : `not older than ${secondsText(targets.rpo_seconds)}`],
    ["restore", targets.rto_seconds === null ? "-" : `within ${secondsText(targets.rto_seconds)}`],
    ["routes", policy.route_ids.length === 0 ? "as the routes say" : policy.route_ids.join(", ")],
    ["changed", `${timeText(policy.updated_at)} by ${plainText(policy.updated_by)}`],
  ];
}

export function stateOf({ enabled, retired_at }: PolicyDocument): string {
  if (retired_at !== null) return "retired";
  return enabled ? "on" : "off";
}
