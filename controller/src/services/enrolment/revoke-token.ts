import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { type EnrolmentTokenRow, findEnrolmentToken, revokeEnrolmentToken } from "../../store/enrolment-tokens.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";

/** Ends an unused token at once; twice is no error. NOT_FOUND; CONFLICT when a host has used it. */
export async function revokeToken(
  { store, now }: ServiceContext,
  caller: Caller,
  tokenId: string,
): Promise<EnrolmentTokenRow> {
  const at = now();
  return await store.write(async (db) => {
    await revokeEnrolmentToken(db, tokenId, at);
    const row = await findEnrolmentToken(db, tokenId);
    if (row === undefined) throw new ControllerError("NOT_FOUND", { message: "there is no such enrolment token" });
    if (row.usedBy !== null)
      throw new ControllerError("CONFLICT", {
        message: "the token was used: revoke the agent that it enrolled",
        details: row.usedBy,
      });
    await recordAudit(db, caller, { action: "enrolment-tokens.revoke", subject: tokenId, outcome: "done" }, at);
    return row;
  });
}
