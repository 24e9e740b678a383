import type { OpenAPIHono } from "@hono/zod-openapi";
import { SCOPE_OF } from "../domain/access.ts";
import { type ErrorCode, STATUS_OF } from "../errors.ts";
import { errorBody } from "./answers/common.ts";
import type { ApiEnv } from "./context.ts";
import type { Endpoint } from "./endpoint.ts";

type Registry = OpenAPIHono<ApiEnv>["openAPIRegistry"];

/** What any endpoint may answer besides its own refusals. */
const ALWAYS: readonly ErrorCode[] = ["VALIDATION_ERROR", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "UNAVAILABLE"];
const WITH_CREDENTIAL: readonly ErrorCode[] = ["UNAUTHENTICATED", "API_KEY_REQUIRED", "INVALID_API_KEY", "FORBIDDEN"];
const WITH_BODY: readonly ErrorCode[] = ["BAD_REQUEST", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"];

/** Adds an endpoint to the OpenAPI document, from nothing but its declaration. */
export function documentEndpoint(registry: Registry, endpoint: Endpoint): void {
  const { action, params, query, body } = endpoint;
  registry.registerPath({
    method: endpoint.method,
    path: endpoint.path,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    operationId: operationId(endpoint),
    ...(endpoint.description === undefined && action === null ? {} : { description: describe(endpoint) }),
    security: action === null ? [] : [...(endpoint.credential === undefined ? [{ token: [] }] : []), { api_key: [] }],
    request: {
      ...(params === undefined ? {} : { params: params as never }),
      ...(query === undefined ? {} : { query: query as never }),
      ...(body === undefined ? {} : { body: { required: true, content: { "application/json": { schema: body } } } }),
    },
    responses: { ...answers(endpoint), ...refusals(endpoint) },
  });
}

function describe({ description, action }: Endpoint): string {
  const scope = action === null ? [] : [`Needs the scope \`${SCOPE_OF[action]}\`.`];
  return [...(description === undefined ? [] : [description]), ...scope].join(" ");
}

function answers({ answers: all, streams }: Endpoint): Record<string, { description: string; content: object }> {
  const json = Object.entries(all).map(([status, schema]) => [
    status,
    {
      description: status === "202" ? "Accepted and not finished" : "Done",
      content: { "application/json": { schema } },
    },
  ]);
  const stream = streams === undefined ? [] : [["200", { description: "A stream", content: { [streams]: {} } }]];
  return Object.fromEntries([...json, ...stream]) as Record<string, { description: string; content: object }>;
}

function refusals(endpoint: Endpoint): Record<string, { description: string; content: object }> {
  const codes = [
    ...ALWAYS,
    ...(endpoint.action === null ? [] : WITH_CREDENTIAL),
    ...(endpoint.body === undefined ? [] : WITH_BODY),
    ...(endpoint.params === undefined ? [] : (["NOT_FOUND"] as const)),
    ...(endpoint.refusals ?? []),
  ];
  const byStatus = Object.groupBy([...new Set(codes)], (code) => STATUS_OF[code]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some]) => [
      status,
      { description: (some ?? []).sort().join(", "), content: { "application/json": { schema: errorBody } } },
    ]),
  );
}

function operationId({ method, path }: Endpoint): string {
  const words = path
    .replace("/api/v1/", "")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return [method, ...words].join("_");
}
