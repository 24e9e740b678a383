/** Speaks to the controller over HTTPS as any program would, and waits for it while it is away. */
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { HoldfastError } from "../../errors.ts";

export type Question = {
  method: "GET" | "POST" | "PUT" | "PATCH";
  /** With its query. */
  path: string;
  body?: object;
  /** Makes it harmless to ask again, when nobody knows whether the first question arrived. */
  idempotencyKey?: string;
};
export type Refusal = { ok: false; status: number; code: string; message: string };
export type Reply<Body> = { ok: true; body: Body } | Refusal;

export type Api = {
  /** CONTROLLER_UNREACHABLE when it stays away, CONTROLLER_REFUSED when it answers what nobody understands; CANCELLED. */
  ask: <Body>(question: Question, schema: z.ZodType<Body>) => Promise<Reply<Body>>;
  /** As `ask`, where a refusal is an error too. */
  read: <Body>(path: string, schema: z.ZodType<Body>) => Promise<Body>;
  /** As `read`, of what is a page and no JSON. */
  text: (path: string) => Promise<string>;
};

export type ApiWish = {
  /** `https://host:port`. */
  url: string;
  /** The only root to trust, PEM. */
  ca: string;
  /** An access token; asked for again when the one before has run out. */
  token: () => Promise<string>;
  signal: AbortSignal;
  /** Once, when the controller does not answer, and once when it does again. */
  onOutage: (isAway: boolean) => void;
  /** How long it may stay away, in ms. */
  patienceMs?: number;
};

const PATIENCE_MS = 120_000;
const ANSWER_MS = 30_000;
const RETRY_MS = 250;
const MAX_ANSWER = 16 * 2 ** 20;

export function openApi(wish: ApiWish): Api {
  let token: Promise<string> | undefined;
  const answerTo = async (question: Question): Promise<Answer> => {
    for (let isSecond = false; ; isSecond = true) {
      token ??= wish.token();
      const answer = await askUntilAnswered(wish, question, await token);
      if (answer.status !== 401 || isSecond) return answer;
      token = undefined;
    }
  };
  const ask: Api["ask"] = async (question, schema) => toReply(question, await answerTo(question), schema);
  const read: Api["read"] = async (path, schema) => bodyOf(await ask({ method: "GET", path }, schema), path);
  const text: Api["text"] = async (path) => {
    const answer = await answerTo({ method: "GET", path });
    return isGood(answer) ? answer.text : bodyOf(refusalOf(answer), path);
  };
  return { ask, read, text };
}

/** The body, or CONTROLLER_REFUSED with the controller's own words. */
export function bodyOf<Body>(reply: Reply<Body>, what: string): Body {
  if (reply.ok) return reply.body;
  const { status, code, message } = reply;
  const details = `${what}: HTTP ${status}, ${code}`;
  throw new HoldfastError("CONTROLLER_REFUSED", { message: `the controller refused: ${message}`, details });
}

type Answer = { status: number; text: string };

async function askUntilAnswered(wish: ApiWish, question: Question, token: string): Promise<Answer> {
  const { signal, onOutage, patienceMs = PATIENCE_MS } = wish;
  const until = performance.now() + patienceMs;
  for (let isAway = false; ; await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)) {
    signal.throwIfAborted();
    const answer = await askOnce(wish, question, token).catch((error: unknown) => error as NodeJS.ErrnoException);
    if (!(answer instanceof Error) && ![429, 502, 503, 504].includes(answer.status)) {
      if (isAway) onOutage(false);
      return answer;
    }
    signal.throwIfAborted();
    if (performance.now() > until) throw unreachable(wish, answer);
    if (!isAway) onOutage(true);
    isAway = true;
  }
}

function unreachable({ url }: ApiWish, answer: Answer | NodeJS.ErrnoException): HoldfastError {
  return new HoldfastError("CONTROLLER_UNREACHABLE", {
    message: `the controller at ${url} did not come back`,
    remedy: "See its log.",
    details: answer instanceof Error ? answer.message : `HTTP ${answer.status}`,
  });
}

function askOnce({ url, ca, signal }: ApiWish, question: Question, token: string): Promise<Answer> {
  const { method, path, body, idempotencyKey } = question;
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/json, text/*",
    ...(content !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
    ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
  };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, url), { method, headers, ca, signal: limit }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER) response.destroy(new Error("the answer is too long"));
      });
      response.once("error", reject);
      response.once("aborted", () => reject(new Error("the answer was cut off")));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.once("error", reject);
    call.end(content);
  });
}

function isGood({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

function toReply<Body>(question: Question, answer: Answer, schema: z.ZodType<Body>): Reply<Body> {
  if (!isGood(answer)) return refusalOf(answer);
  const parsed = schema.safeParse(parse(answer.text));
  if (parsed.success) return { ok: true, body: parsed.data };
  throw new HoldfastError("CONTROLLER_REFUSED", {
    message: `the controller answered ${question.method} ${question.path} with something else than expected`,
    details: parsed.error.message,
  });
}

function refusalOf({ status, text }: Answer): Refusal {
  const { error, code } = (parse(text) ?? {}) as Record<string, unknown>;
  return { ok: false, status, code: String(code ?? "UNKNOWN"), message: String(error ?? `HTTP ${status}`) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
