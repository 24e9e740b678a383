import type { AnyEvent } from "@holdfast/protocol";
import { aomeiWork } from "../../aomei/work.ts";
import { rowSet } from "../../lists/row-set.ts";
import { NOW } from "../test-events.ts";
import { placedKey, type Work } from "../work.ts";
import { applyEvent } from "./handlers.ts";

export function emptyWork(): Work {
  return {
    runs: rowSet(({ runId }) => runId, []),
    backups: rowSet(({ agentId, backupId }) => placedKey(agentId, backupId), []),
    commands: rowSet(({ commandId }) => commandId, []),
    agents: rowSet(({ agentId }) => agentId, []),
    items: rowSet(({ agentId, vmContextId }) => placedKey(agentId, vmContextId), []),
    repositories: rowSet(({ agentId, repositoryId }) => placedKey(agentId, repositoryId), []),
    verifications: rowSet(({ verificationId }) => verificationId, []),
    drills: rowSet(({ drillId }) => drillId, []),
    aomei: aomeiWork({
      ...{ jobs: [], candidates: [], reports: [], copies: [], images: [], hosts: new Map(), lastJobId: 0 },
    }),
  };
}

/** Tells all of them, and answers their problems. */
export function tell(work: Work, events: readonly AnyEvent[], agentId = "a"): (string | null)[] {
  return events.map((event) => applyEvent(event, { agentId, now: NOW, work }));
}
