import { readRequest } from "../../adapters/pki/request.ts";
import type { Caller } from "../../domain/access.ts";
import type { IdentityContext } from "../enrolment/context.ts";
import { issueNext } from "./issue-next.ts";

export type LinkRenewal = {
  /** Whose connection it is, from its certificate; and that certificate's fingerprint. */
  agentId: string;
  fingerprint: string;
  csr: string;
};

/** The chain for a connected agent's new key; PEM, leaf first. Errors as `issueNext`, VALIDATION_ERROR for the request. */
export async function renewOverLink(
  context: IdentityContext,
  caller: Caller,
  { agentId, fingerprint, csr }: LinkRenewal,
): Promise<{ chain: string }> {
  const request = readRequest(csr);
  const next = { agentId, request, shown: fingerprint, over: "link" } as const;
  const { chain } = await context.store.write((db) => issueNext(context, db, caller, next));
  return { chain };
}
