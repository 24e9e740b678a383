import type { AgentCertificate } from "../../adapters/pki/verify.ts";
import type { Caller } from "../../domain/access.ts";
import { addAgent, findAgent } from "../../store/agents.ts";
import { addCertificate, type CertificateRow, findCertificate } from "../../store/certificates.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import { certificateRow } from "./row.ts";

const UNKNOWN = { hostname: "unknown", platform: "unknown", version: "unknown" };

/**
 * What the store knows of a certificate that our authority signed. When it knows nothing, it was restored from a copy
 * that is older than the certificate: our own signature says more than the gap, so it is written down again, and its
 * agent with it. What was revoked since that copy has to be revoked again.
 */
export async function findOrAdopt(db: Db, caller: Caller, shown: AgentCertificate, at: Date): Promise<CertificateRow> {
  const known = await findCertificate(db, shown.fingerprint);
  if (known !== undefined) return known;
  const { agentId } = shown;
  const createdAt = shown.notBefore;
  if ((await findAgent(db, agentId)) === undefined)
    await addAgent(db, { agentId, name: `found again ${agentId.slice(0, 8)}`, ...UNKNOWN, createdAt });
  const row = certificateRow(agentId, shown, createdAt);
  await addCertificate(db, row);
  const details = { certificate: shown.fingerprint, reason: "the store did not know a certificate of ours" };
  await recordAudit(db, caller, { action: "enrolment", subject: agentId, outcome: "done", details }, at);
  return row;
}
