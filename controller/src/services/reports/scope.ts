/** What a report is about. */
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import { findJob } from "../aomei/find-job.ts";
import { findItem } from "../items/find.ts";
import { findAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";

export const SCOPE_KINDS = ["fleet", "agent", "item", "aomei"] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

/** `id`: none of the fleet; an agent's id; `<agent id>/<vm_context_id>`; the number of an AOMEI job. */
export type ScopeName = { kind: ScopeKind; id: string | null };

/** Found, with its name for people. `subjectId`: as the ledger and the states of items have it. */
export type ReportScope = {
  kind: ScopeKind;
  id: string;
  name: string;
  agentId: string | null;
  subjectId: string | null;
};

/** NOT_FOUND, JOB_NOT_FOUND, FORBIDDEN, VALIDATION_ERROR when the id is none of its kind. */
export async function findScope(db: Db, actor: Actor, { kind, id }: ScopeName): Promise<ReportScope> {
  if (kind === "fleet") {
    fleetOnly(actor, "reports on the fleet");
    if (id !== null) throw wrongId("is not expected: there is one fleet");
    return { kind, id: "fleet", name: "All hosts", agentId: null, subjectId: null };
  }
  if (id === null) throw wrongId("is required");
  if (kind === "agent") {
    const { agentId, name } = await findAgent(db, actor, id);
    return { kind, id, name, agentId, subjectId: null };
  }
  return await (kind === "item" ? itemScope(db, actor, id) : aomeiScope(db, actor, id));
}

async function itemScope(db: Db, actor: Actor, id: string): Promise<ReportScope> {
  const [, agentId, vmContextId] = /^([^/]+)\/([^/]+)$/.exec(id) ?? [];
  if (agentId === undefined || vmContextId === undefined) throw wrongId("must be <agent id>/<vm_context_id>");
  const agent = await findAgent(db, actor, agentId);
  const { vmName } = await findItem(db, actor, { vmContextId, agentId });
  return { kind: "item", id, name: `${vmName} on ${agent.name}`, agentId, subjectId: vmContextId };
}

async function aomeiScope(db: Db, actor: Actor, id: string): Promise<ReportScope> {
  if (!/^\d{1,15}$/.test(id)) throw wrongId("must be the number of an AOMEI job");
  const { jobId, taskName, agentId } = await findJob(db, actor, Number(id));
  return { kind: "aomei", id: String(jobId), name: taskName, agentId, subjectId: `aomei:${jobId}` };
}

function wrongId(message: string) {
  return invalidFields([{ path: "id", message }]);
}
