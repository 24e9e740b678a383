import type { AgentCertificate } from "../../adapters/pki/verify.ts";
import type { Caller } from "../../domain/access.ts";
import { findAgent } from "../../store/agents.ts";
import { type CertificateRow, findCertificate } from "../../store/certificates.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { findOrAdopt } from "./adopt.ts";
import { hasOlder, SUPERSEDED, supersedeOlder } from "./supersede.ts";

export type Admission =
  | { ok: true }
  | { ok: false; code: "AGENT_REVOKED" | "CERTIFICATE_REVOKED" | "CERTIFICATE_SUPERSEDED"; message: string };

/**
 * Whether an agent may connect with a certificate that `verifyAgentCertificate` found good. Using it ends the older ones
 * of the agent. Ask after the connection is registered, so that a revocation at this moment finds it there.
 * Only the first connection with a certificate writes: a thousand agents that come back cost reads.
 */
export async function admitCertificate(
  { store, now }: ServiceContext,
  caller: Caller,
  shown: AgentCertificate,
): Promise<Admission> {
  const seen = await store.read(async (db) => {
    const row = await findCertificate(db, shown.fingerprint);
    if (row === undefined || (row.revokedAt === null && (await hasOlder(db, shown)))) return undefined;
    return await judge(db, row);
  });
  if (seen !== undefined) return seen;
  const at = now();
  return await store.write(async (db) => {
    const admission = await judge(db, await findOrAdopt(db, caller, shown, at));
    if (admission.ok) await supersedeOlder(db, shown, at);
    return admission;
  });
}

async function judge(db: Db, row: CertificateRow): Promise<Admission> {
  const agent = await findAgent(db, row.agentId);
  if (agent?.state !== "enrolled")
    return { ok: false, code: "AGENT_REVOKED", message: "this agent was revoked: enrol the host with a new token" };
  if (row.revokedAt === null) return { ok: true };
  const when = row.revokedAt.toISOString();
  return row.reason === SUPERSEDED
    ? {
        ok: false,
        code: "CERTIFICATE_SUPERSEDED",
        message: `a newer certificate of this agent is in use since ${when}`,
      }
    : { ok: false, code: "CERTIFICATE_REVOKED", message: `the certificate was revoked at ${when}` };
}
