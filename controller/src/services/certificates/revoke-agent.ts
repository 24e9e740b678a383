import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { findAgent, revokeAgent as markRevoked } from "../../store/agents.ts";
import { revokeCertificates } from "../../store/certificates.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";

/** `disconnect`: whose connection has to be ended now; `certificates`: fingerprints of those that were still good. */
export type Revocation = { disconnect: string; certificates: string[] };

/** Ends an agent for good: its certificates and its right to renew. Twice is no error. NOT_FOUND. */
export async function revokeAgent(
  { store, now }: ServiceContext,
  caller: Caller,
  { agentId, reason }: { agentId: string; reason: string },
): Promise<Revocation> {
  const at = now();
  return await store.write(async (db) => {
    await markRevoked(db, agentId);
    if ((await findAgent(db, agentId)) === undefined)
      throw new ControllerError("NOT_FOUND", { message: "there is no such agent" });
    const certificates = await revokeCertificates(db, agentId, at, reason);
    const details = { reason, certificates };
    await recordAudit(db, caller, { action: "agents.revoke", subject: agentId, outcome: "done", details }, at);
    return { disconnect: agentId, certificates };
  });
}
