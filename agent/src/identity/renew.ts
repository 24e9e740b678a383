/** A new key and certificate for an agent, over the link, or over HTTPS when the old certificate cannot be used there. */
import { createPrivateKey, sign } from "node:crypto";
import { HoldfastError } from "../errors.ts";
import { controllerAddress } from "./address.ts";
import { checkChain, leafOf } from "./check-chain.ts";
import { asClient, type ClientIdentity } from "./client-identity.ts";
import { identityOf, readAnswer } from "./enrol.ts";
import {
  dropPendingKey,
  type IdentityFile,
  readIdentity,
  readPendingKey,
  removePartials,
  writeIdentity,
  writePendingKey,
} from "./files.ts";
import { postJson } from "./https.ts";
import { certificateRequest, newPrivateKey } from "./key.ts";

const PATH = "/api/v1/enrolment/renew";
/** A key that the controller gave a certificate for, which was lost, gets it again for half of its time, and then never. */
const PENDING_FOR_MS = 24 * 3_600_000;

/**
 * The request for the next certificate, to be sent over the link. Its key stands on the disk when this resolves; asked
 * again before the answer came, it is the same request, for a day. NOT_ENROLLED.
 */
export async function beginRenewal(stateDir: string, now: Date): Promise<{ csr: string }> {
  const { csr } = await pendingRenewal(stateDir, await enrolledAs(stateDir), now);
  return { csr };
}

/**
 * Takes the link's answer (leaf and issuing authority, PEM) into force, after checking it against the pinned root, the
 * pending key and the agent's id. Reconnect with what it resolves with. CONFLICT when nothing was asked for (any more);
 * CONTROLLER_UNTRUSTED when the chain is not right: the old identity stays.
 */
export async function finishRenewal(stateDir: string, chain: string, now: Date): Promise<ClientIdentity> {
  const identity = await enrolledAs(stateDir);
  const pending = await readPendingKey(stateDir, "renewal");
  if (pending?.purpose !== identity.agent_id)
    throw new HoldfastError("CONFLICT", { message: "a certificate came that this host had not asked for" });
  const next = { ...identity, token_id: null, private_key: pending.private_key, certificate_chain: chain };
  return await store(stateDir, next, now);
}

/**
 * Renews over HTTPS, by the old key: for a certificate that expired, or that the controller calls superseded (this host
 * was restored from an image). Errors as `enrol`; CONTROLLER_REFUSED when only a new token helps.
 */
export async function renewExpired(stateDir: string, now: () => Date, signal?: AbortSignal): Promise<ClientIdentity> {
  const identity = await enrolledAs(stateDir);
  const { csr, privateKey } = await pendingRenewal(stateDir, identity, now());
  const body = {
    csr,
    certificate: leafOf(identity.certificate_chain).toString(),
    signature: sign("sha256", Buffer.from(csr), createPrivateKey(identity.private_key)).toString("base64"),
  };
  const address = controllerAddress(identity.controller_url);
  const { root_certificate: root } = identity;
  const answer = readAnswer(await postJson({ address, path: PATH, body, root, signal }));
  const known = { controller_url: address.url, token_id: null, private_key: privateKey, root_certificate: root };
  return await store(stateDir, { ...identityOf(answer, known), agent_id: identity.agent_id }, now());
}

/** Removes what a kill left: half written files, and a key whose certificate is in force already. For the start. */
export async function tidyIdentity(stateDir: string): Promise<void> {
  await removePartials(stateDir);
  const identity = await readIdentity(stateDir);
  if (identity === undefined) return;
  for (const kind of ["renewal", "enrolment"] as const) {
    const pending = await readPendingKey(stateDir, kind);
    if (pending?.private_key === identity.private_key) await dropPendingKey(stateDir, kind);
  }
}

async function enrolledAs(stateDir: string): Promise<IdentityFile> {
  const identity = await readIdentity(stateDir);
  if (identity !== undefined) return identity;
  throw new HoldfastError("NOT_ENROLLED", {
    message: "this host is not enrolled with a controller",
    remedy: "Make a token on the controller, then run `holdfast-agent enroll`.",
  });
}

async function pendingRenewal(
  stateDir: string,
  { agent_id: agentId, private_key: current }: IdentityFile,
  now: Date,
): Promise<{ csr: string; privateKey: string }> {
  const pending = await readPendingKey(stateDir, "renewal");
  const age = now.getTime() - Date.parse(pending?.made_at ?? "");
  const isUsable = pending?.purpose === agentId && pending.private_key !== current && Math.abs(age) < PENDING_FOR_MS;
  const privateKey = isUsable ? pending.private_key : await newPrivateKey();
  if (!isUsable)
    await writePendingKey(stateDir, "renewal", {
      purpose: agentId,
      private_key: privateKey,
      made_at: now.toISOString(),
    });
  return { csr: await certificateRequest(privateKey), privateKey };
}

async function store(stateDir: string, next: IdentityFile, now: Date): Promise<ClientIdentity> {
  const { private_key: privateKey, root_certificate: root, agent_id: agentId } = next;
  checkChain(next.certificate_chain, { privateKey, root, agentId, now });
  await writeIdentity(stateDir, next);
  await dropPendingKey(stateDir, "renewal");
  return asClient(next);
}
