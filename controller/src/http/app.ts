/** The API as one hono application: every endpoint from its declaration, and one shape for everything else. */
import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { type Actor, ANONYMOUS } from "../domain/access.ts";
import { ControllerError, STATUS_OF } from "../errors.ts";
import { inForeground } from "../store/precedence.ts";
import { logAccess } from "./access-log.ts";
import { auditRefusal } from "./audit-refusal.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import { countRefusal } from "./count-refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { errorAnswer, toControllerError } from "./error-answer.ts";
import { openApiEndpoint } from "./open-api.ts";
import { referenceEndpoint } from "./reference/endpoint.ts";
import { methodsAt } from "./route-table.ts";
import { type Answer, serveEndpoint } from "./serve.ts";

const SERVED: readonly Endpoint[] = [...ENDPOINTS, openApiEndpoint(ENDPOINTS), referenceEndpoint(ENDPOINTS)];

/** The API; what it serves is in ENDPOINTS. */
export function createApp(context: ApiContext): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const endpoint of SERVED) {
    const path = endpoint.path.replaceAll(/\{(.+?)\}/g, ":$1");
    app.on(endpoint.method.toUpperCase(), path, (c) => inForeground(() => respond(context, endpoint, c)));
  }
  app.notFound((c) => respond(context, null, c));
  app.onError((error, c) => {
    context.log.error({ err: error }, "an error outside every endpoint");
    const { status, headers, body } = errorAnswer(toControllerError(error), randomUUID(), context.now());
    return c.json(body, status, headers);
  });
  return app;
}

type Story = { requestId: string; source: string; actor: Actor };

async function respond(context: ApiContext, endpoint: Endpoint | null, c: Context<ApiEnv>): Promise<Response> {
  const started = performance.now();
  const story: Story = {
    requestId: randomUUID(),
    source: c.env.incoming.socket.remoteAddress ?? "unknown",
    actor: ANONYMOUS,
  };
  let code: string | null = null;
  const response = await answerTo(context, endpoint, c, story).catch(async (failure: unknown) => {
    const error = toControllerError(failure);
    code = error.code;
    if (STATUS_OF[error.code] >= 500)
      context.log.error({ err: failure, request_id: story.requestId }, "a request failed");
    countRefusal(context.counters, endpoint, error.code);
    await auditRefusal(context, endpoint, { ...story, subject: subjectOf(c) }, error);
    const { status, headers, body } = errorAnswer(error, story.requestId, context.now());
    return c.json(body, status, headers);
  });
  response.headers.set("X-Request-Id", story.requestId);
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  const durationMs = performance.now() - started;
  const { method } = c.req;
  const { status } = response;
  context.processMetrics.request({ method, status, route: endpoint?.path ?? "none", seconds: durationMs / 1000 });
  logAccess(context.log, { ...story, method, status, code, durationMs, route: endpoint?.path ?? null });
  return response;
}

async function answerTo(
  context: ApiContext,
  endpoint: Endpoint | null,
  c: Context<ApiEnv>,
  story: Story,
): Promise<Response> {
  if (climbs(c.env.incoming.url ?? ""))
    throw new ControllerError("BAD_REQUEST", { message: "an address holds no '.' or '..' parts" });
  if (endpoint === null) throw noRoute(c);
  const answer = await serveEndpoint(context, endpoint, {
    incoming: c.env.incoming,
    params: c.req.param(),
    query: c.req.queries(),
    requestId: story.requestId,
    source: story.source,
    signal: c.req.raw.signal,
    isFrom: (actor) => {
      story.actor = actor;
    },
  });
  return toResponse(answer);
}

function toResponse(answer: Answer): Response {
  if ("stream" in answer)
    return new Response(answer.stream, { headers: { ...answer.headers, "Content-Type": answer.contentType } });
  return new Response(JSON.stringify(answer.body), {
    status: answer.status,
    headers: { "Content-Type": "application/json" },
  });
}

/** The ids in the address, as they came: they may be nonsense. */
function subjectOf(c: Context<ApiEnv>): string | null {
  const ids = Object.values(c.req.param());
  return ids.length === 0 ? null : ids.join("/").slice(0, 200);
}

/** Looked at before anything has resolved it. */
function climbs(url: string): boolean {
  return /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(
    (url.split("?")[0] ?? "").replaceAll(/%2e/gi, ".").replaceAll(/%2f|%5c/gi, "/"),
  );
}

function noRoute(c: Context<ApiEnv>): ControllerError {
  const methods = methodsAt(SERVED, c.req.path);
  if (methods.length === 0) return new ControllerError("NOT_FOUND", { message: "there is nothing at this address" });
  return new ControllerError("METHOD_NOT_ALLOWED", {
    message: `${c.req.method} is not possible here`,
    details: `possible: ${methods.join(", ")}`,
  });
}
