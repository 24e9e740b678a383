/** This host becomes an agent of a controller, with a one-time token. */
import { type EnrolmentAnswer, type EnrolmentToken, enrolmentAnswer, parseToken } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { controllerAddress } from "./address.ts";
import { fetchRoot } from "./bootstrap.ts";
import { checkChain } from "./check-chain.ts";
import { asClient, type ClientIdentity } from "./client-identity.ts";
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

const PATH = "/api/v1/enrolment";

export type EnrolmentWish = {
  stateDir: string;
  /** `https://host:port`. */
  controllerUrl: string;
  token: string;
  hostname: string;
  platform: string;
  agentVersion: string;
  now: () => Date;
  signal?: AbortSignal;
};

/** `replaced`: the agent that this host was before; null when it was none, or this one. */
export type Enrolment = { identity: ClientIdentity; replaced: string | null; message: string };

/**
 * Enrols. The key stands on the disk before its request is sent, so that whatever is killed meanwhile, the same token
 * can be used again and gives the same answer. An identity that is there stays in force until the new one is whole.
 * BAD_REQUEST (token, address), CONTROLLER_UNREACHABLE, CONTROLLER_UNTRUSTED, CONTROLLER_REFUSED, CANCELLED.
 */
export async function enrol(wish: EnrolmentWish): Promise<Enrolment> {
  const { stateDir, signal } = wish;
  const address = controllerAddress(wish.controllerUrl);
  const token = readToken(wish.token);
  await removePartials(stateDir);
  const before = await identityIfUsable(stateDir);
  const privateKey = await keyFor(wish, token, before);
  const root = await fetchRoot(address, token.rootFingerprint, signal);
  const body = {
    token: wish.token.trim(),
    csr: await certificateRequest(privateKey),
    hostname: wish.hostname,
    platform: wish.platform,
    agent_version: wish.agentVersion,
  };
  const answer = readAnswer(await postJson({ address, path: PATH, body, root, signal }));
  checkChain(answer.certificate_chain, { privateKey, root, agentId: answer.agent_id, now: wish.now() });
  const known = {
    controller_url: address.url,
    token_id: token.tokenId,
    private_key: privateKey,
    root_certificate: root,
  };
  const identity = identityOf(answer, known);
  await writeIdentity(stateDir, identity);
  await dropPendingKey(stateDir, "enrolment");
  // A renewal that was under way is one of the former agent's.
  await dropPendingKey(stateDir, "renewal");
  const replaced = before === undefined || before.agent_id === answer.agent_id ? null : before.agent_id;
  return { identity: asClient(identity), replaced, message: answer.message };
}

/** What the controller answered, or CONTROLLER_REFUSED when it is nothing that this version knows. */
export function readAnswer(answer: unknown): EnrolmentAnswer {
  const parsed = enrolmentAnswer.safeParse(answer);
  if (parsed.success && isLinkUrl(parsed.data.agent_url)) return parsed.data;
  throw new HoldfastError("CONTROLLER_REFUSED", {
    message: "the controller's answer to the enrolment is not one that this agent understands",
    remedy: "Check that controller and agent have versions that fit each other.",
    details: (parsed.error?.issues ?? [{ path: ["agent_url"] }]).map(({ path }) => path.join(".")).join(", "),
  });
}

function isLinkUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "wss:";
}

/** Of what was answered, only what is checked counts: the root is the one that was pinned before. */
export function identityOf(
  answer: EnrolmentAnswer,
  known: Pick<IdentityFile, "controller_url" | "token_id" | "private_key" | "root_certificate">,
): IdentityFile {
  const { agent_id, agent_url, certificate_chain } = answer;
  return { schema: "holdfast.identity/1", agent_id, agent_url, certificate_chain, ...known };
}

function readToken(text: string): EnrolmentToken {
  const token = parseToken(text);
  if (token !== null) return token;
  throw new HoldfastError("BAD_REQUEST", {
    message: "the enrolment token is not complete: it begins with hfe1. and has four parts",
    remedy: "Copy the whole token from the controller, or make a new one there.",
  });
}

/** A damaged identity must not keep a host from getting a new one. */
async function identityIfUsable(stateDir: string): Promise<IdentityFile | undefined> {
  return await unlessInvalid(readIdentity(stateDir));
}

async function keyFor(
  { stateDir, now }: EnrolmentWish,
  { tokenId }: EnrolmentToken,
  before: IdentityFile | undefined,
): Promise<string> {
  // All was done when it was killed, only nobody was told: the same question gets the same answer.
  if (before?.token_id === tokenId) return before.private_key;
  const pending = await unlessInvalid(readPendingKey(stateDir, "enrolment"));
  if (pending?.purpose === tokenId) return pending.private_key;
  const privateKey = await newPrivateKey();
  await writePendingKey(stateDir, "enrolment", {
    purpose: tokenId,
    private_key: privateKey,
    made_at: now().toISOString(),
  });
  return privateKey;
}

async function unlessInvalid<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "IDENTITY_INVALID") return undefined;
    throw error;
  }
}
