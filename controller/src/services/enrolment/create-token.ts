import { formatToken } from "@holdfast/protocol";
import { actorName, type Caller } from "../../domain/access.ts";
import { addEnrolmentToken, type EnrolmentTokenRow } from "../../store/enrolment-tokens.ts";
import { recordAudit } from "../audit/record.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { IdentityContext } from "./context.ts";
import { newTokenSecret } from "./token-secret.ts";

/** `text` is the token itself, which is shown now and never again. */
export type MadeToken = { row: EnrolmentTokenRow; text: string };
/** `name`: what the host will be called; null: its own name. `lifetimeSeconds` null: an hour. */
export type CreateToken = { name: string | null; lifetimeSeconds: number | null };

const DEFAULT_LIFETIME_SECONDS = 3600;
const MIN_LIFETIME_SECONDS = 60;
/** A token may lie in an installer's log: a week is for rolling out a fleet, longer is for nobody. */
const MAX_LIFETIME_SECONDS = 7 * 86_400;

/** A one-time token with which one host can enrol; it carries the root's fingerprint. VALIDATION_ERROR: its lifetime. */
export async function createToken(context: IdentityContext, caller: Caller, input: CreateToken): Promise<MadeToken> {
  const at = context.now();
  const lifetime = input.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS;
  if (lifetime < MIN_LIFETIME_SECONDS || lifetime > MAX_LIFETIME_SECONDS)
    throw invalidFields([
      { path: "lifetime_seconds", message: `must be ${MIN_LIFETIME_SECONDS} to ${MAX_LIFETIME_SECONDS}` },
    ]);
  const { tokenId, secret, secretHash } = newTokenSecret();
  const row: EnrolmentTokenRow = {
    tokenId,
    secretHash,
    name: input.name,
    createdBy: actorName(caller.actor),
    createdAt: at,
    expiresAt: new Date(at.getTime() + lifetime * 1000),
    usedAt: null,
    usedBy: null,
    keyFingerprint: null,
    revokedAt: null,
  };
  const details = { name: row.name, expires_at: row.expiresAt.toISOString() };
  await context.store.write(async (db) => {
    await addEnrolmentToken(db, row);
    await recordAudit(
      db,
      caller,
      { action: "enrolment-tokens.create", subject: tokenId, outcome: "done", details },
      at,
    );
  });
  return { row, text: formatToken({ tokenId, secret, rootFingerprint: context.authority.rootFingerprint }) };
}
