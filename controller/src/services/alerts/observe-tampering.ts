import type { Observation } from "../../domain/alert/observation.ts";
import type { SeenEvent } from "../projection/run-projection.ts";

/** How a backup whose first digest differs from what is told now was refused. */
const CHANGED = /was recorded with the hash map/;

/** The first digest of a hash map holds for ever: who tells another one has a changed backup. Only a person clears it. */
export function observeTampering(events: readonly SeenEvent[]): Observation[] {
  return events.flatMap(({ kind, agentId, subject, problem }) => {
    if (kind !== "backup_recorded" || subject === null || problem === null || !CHANGED.test(problem)) return [];
    return [
      {
        ...{ subject: { kind: "backup", key: `backup:${agentId}/${subject}`, agentId }, type: "tampering" },
        ...{ state: "firing", message: `the evidence of a backup has changed: ${problem}` },
        evidence: { backup_id: subject, problem },
      },
    ];
  });
}
