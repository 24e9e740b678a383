import type { IncomingMessage } from "node:http";
import { ControllerError } from "../errors.ts";

const MAX_CREDENTIAL = 4096;

/** What a caller shows: a token or an API key, in either header; null when it shows nothing. UNAUTHENTICATED when it shows two. */
export function readCredential({ headers }: IncomingMessage): string | null {
  const apiKey = headers["x-api-key"];
  if (apiKey !== undefined && headers.authorization !== undefined)
    throw new ControllerError("UNAUTHENTICATED", {
      message: "show one credential, in 'Authorization: Bearer' or in 'X-API-Key', not both",
    });
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  const text = bearer ?? (typeof apiKey === "string" ? apiKey.trim() : "");
  return text === "" || text.length > MAX_CREDENTIAL ? null : text;
}
