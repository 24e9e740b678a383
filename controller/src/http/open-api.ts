import { OpenAPIHono, z } from "@hono/zod-openapi";
import { controllerVersion } from "../version.ts";
import { documentEndpoint } from "./document.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";

/** The OpenAPI 3.1 document of these endpoints: made from their declarations, so it cannot say anything else. */
export function openApiDocument(endpoints: readonly Endpoint[]): object {
  const { openAPIRegistry, getOpenAPI31Document } = new OpenAPIHono();
  openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
  });
  openAPIRegistry.registerComponent("securitySchemes", "api_key", { type: "apiKey", in: "header", name: "X-API-Key" });
  for (const each of endpoints) if (each.hidden !== true) documentEndpoint(openAPIRegistry, each);
  return getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: controllerVersion(),
      description: "The controller's API. Times are RFC 3339 in UTC, sizes are bytes, durations are seconds.",
      license: { name: "Apache-2.0" },
    },
  });
}

/** Serves the document; made when it is first asked for. */
export function openApiEndpoint(endpoints: readonly Endpoint[]): Endpoint {
  let made: Record<string, unknown> | undefined;
  return endpoint({
    method: "get",
    path: "/api/v1/openapi.json",
    tag: "about",
    summary: "This document",
    action: null,
    answers: { 200: z.record(z.string(), z.unknown()) },
    handle: async () => {
      made ??= { ...openApiDocument(endpoints) };
      return { status: 200, body: made };
    },
  });
}
