/** Whether a token lets a host in. Only who knows the secret learns more than "no". */
import { type EnrolmentToken, parseToken } from "@holdfast/protocol";
import { ControllerError } from "../../errors.ts";
import { type EnrolmentTokenRow, findEnrolmentToken } from "../../store/enrolment-tokens.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { IdentityContext } from "./context.ts";
import { isTokenSecret } from "./token-secret.ts";

/** The token's parts. VALIDATION_ERROR when the text is none, TOKEN_REFUSED when it belongs to another controller. */
export function readToken({ authority }: IdentityContext, text: string): EnrolmentToken {
  const token = parseToken(text);
  if (token === null) throw invalidFields([{ path: "token", message: "is no enrolment token: it begins with hfe1." }]);
  if (token.rootFingerprint === authority.rootFingerprint) return token;
  throw tokenRefused("the token was made by another controller, or before this one got a new root");
}

/** The token's row, when the secret is right. TOKEN_REFUSED, the same for an unknown token and a wrong secret. */
export async function authorise({ store }: IdentityContext, token: EnrolmentToken): Promise<EnrolmentTokenRow> {
  const row = await store.read((db) => findEnrolmentToken(db, token.tokenId));
  const isRight = isTokenSecret(token.secret, row?.secretHash ?? null);
  if (row === undefined || !isRight) throw tokenRefused("the token is not known here");
  return row;
}

export function tokenRefused(message: string): ControllerError {
  return new ControllerError("TOKEN_REFUSED", { message });
}
