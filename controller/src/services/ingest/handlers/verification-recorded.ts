import type { Handler } from "./handler.ts";
import { proofTime } from "./proof-time.ts";

/** Evidence is never rewritten: the first telling of a verification holds. */
export const verificationRecorded: Handler<"verification_recorded"> = ({ verification }, { agentId, now, work }) => {
  const known = work.verifications.get(verification.verification_id);
  if (known !== undefined) return known.agentId === agentId ? null : "another agent's verification has this id";
  work.verifications.put({
    verificationId: verification.verification_id,
    agentId,
    backupId: verification.backup_id,
    status: verification.status,
    cached: verification.cached,
    verifiedAt: proofTime(new Date(verification.verified_at), now),
    body: verification,
  });
  return null;
};
