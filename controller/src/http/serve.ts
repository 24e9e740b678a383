/** One request through one endpoint: who asks, may they, is it well-formed, do it, answer. */
import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { type Actor, ANONYMOUS, type Caller, mayDo, SCOPE_OF } from "../domain/access.ts";
import { ControllerError, STATUS_OF } from "../errors.ts";
import { authenticate } from "./authenticate.ts";
import { readJsonBody } from "./body.ts";
import type { ApiContext } from "./context.ts";
import type { Endpoint, StreamAnswer } from "./endpoint.ts";
import { checkInput, queryValues } from "./input.ts";
import { tooManyRequests } from "./rate-limit.ts";

const MAX_BODY_BYTES = 1_048_576;

export type RawRequest = {
  incoming: IncomingMessage;
  params: Record<string, string>;
  query: Record<string, string[]>;
  requestId: string;
  source: string;
  signal: AbortSignal;
  /** Told as soon as it is known, for the log and the audit, also when the request is refused later. */
  isFrom: (actor: Actor) => void;
};

export type Answer = { status: number; body: unknown } | StreamAnswer;

/** The endpoint's answer, or a ControllerError that says why there is none. */
export async function serveEndpoint(context: ApiContext, endpoint: Endpoint, raw: RawRequest): Promise<Answer> {
  // Who asks is asked of the database too.
  const caller = await withTimeout(admit(context, endpoint, raw), context.limits.requestSeconds);
  const body = await readBody(endpoint, raw);
  const [params, query, checkedBody] = checkInput([
    { schema: endpoint.params, value: endpoint.params === undefined ? undefined : raw.params },
    { schema: endpoint.query, value: queryValues(raw.query) },
    { schema: endpoint.body, value: body },
  ]);
  const header = (name: string) => {
    const value = raw.incoming.headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const request = {
    ...{ params, query, body: checkedBody, caller, header, signal: raw.signal },
    cut: () => raw.incoming.socket.destroy(),
    isStillAllowed: () => isAllowed(context, endpoint, raw),
  };
  const answer = await withTimeout(endpoint.handle(context, request), context.limits.requestSeconds);
  if (context.checkAnswers === true && "body" in answer) checkAnswer(endpoint, answer);
  return answer;
}

async function admit(context: ApiContext, endpoint: Endpoint, raw: RawRequest): Promise<Caller> {
  const { requestId, source } = raw;
  if (endpoint.action === null) return { actor: ANONYMOUS, requestId, source };
  const actor = await authenticate(context, raw, endpoint.credential);
  raw.isFrom(actor);
  const wait = context.limiters.credential.take(`${actor.kind}:${actor.id}`);
  if (wait > 0) throw tooManyRequests(wait, "this credential asks too often");
  if (!mayDo(actor, endpoint.action))
    throw new ControllerError("FORBIDDEN", {
      message: `this credential does not have the scope '${SCOPE_OF[endpoint.action]}'`,
      details: `${endpoint.action} needs it`,
    });
  return { actor, requestId, source };
}

async function isAllowed(context: ApiContext, { action }: Endpoint, raw: RawRequest): Promise<boolean> {
  try {
    return action === null || mayDo(await authenticate(context, raw), action);
  } catch (error) {
    if (error instanceof ControllerError && STATUS_OF[error.code] === 401) return false;
    throw error;
  }
}

async function readBody(endpoint: Endpoint, { incoming }: RawRequest): Promise<unknown> {
  if (endpoint.method === "get") return undefined;
  const value = await readJsonBody(incoming, endpoint.maxBodyBytes ?? MAX_BODY_BYTES);
  return value === undefined && endpoint.body !== undefined ? {} : value;
}

async function withTimeout<Value>(work: Promise<Value>, seconds: number): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new ControllerError("UNAVAILABLE", { message: "this took too long; it may still be done", retryAfter: 5 }));
  }, seconds * 1000);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** For tests: an answer that is not as documented is a fault of ours. */
function checkAnswer(endpoint: Endpoint, { status, body }: { status: number; body: unknown }): void {
  const schema: z.ZodType | undefined = endpoint.answers[status];
  const parsed = schema?.safeParse(JSON.parse(JSON.stringify(body)));
  if (parsed?.success !== true)
    throw new Error(`${endpoint.method} ${endpoint.path} answers ${status} with what is not documented`, {
      cause: parsed?.error,
    });
}
