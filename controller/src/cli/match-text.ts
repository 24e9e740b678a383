import type { RouteDocument } from "./documents.ts";
import { plainText } from "./format.ts";

/** Which alerts are meant: all that is given must fit. */
export function matchText(match: RouteDocument["match"]): string {
  const { types = [], severities = [], subject_keys = [], agent_ids = [], policy_ids = [], labels = {} } = match;
  const parts = [
    ...[types, severities, subject_keys].filter((some) => some.length > 0).map((some) => some.map(plainText).join("|")),
    ...(agent_ids.length === 0 ? [] : [agent_ids.length === 1 ? "1 host" : `${agent_ids.length} hosts`]),
    ...(policy_ids.length === 0 ? [] : [policy_ids.length === 1 ? "1 policy" : `${policy_ids.length} policies`]),
    ...Object.entries(labels).map(([name, value]) => `${plainText(name)}=${plainText(value)}`),
  ];
  return parts.length === 0 ? "everything" : parts.join(", ");
}
