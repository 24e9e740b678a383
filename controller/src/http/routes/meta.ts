import { z } from "@hono/zod-openapi";
import { ControllerError } from "../../errors.ts";
import { readinessTroubles } from "../../services/metrics/readiness.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "about";

const alive = endpoint({
  method: "get",
  path: "/healthz",
  tag,
  summary: "Whether the process answers",
  action: null,
  answers: { 200: z.strictObject({ status: z.literal("ok") }) },
  handle: async () => ({ status: 200, body: { status: "ok" as const } }),
});

const ready = endpoint({
  method: "get",
  path: "/readyz",
  tag,
  summary: "Whether it can do its work",
  description: "The database answers, there is room to write, and none of its own jobs stands still.",
  action: null,
  answers: { 200: z.strictObject({ status: z.literal("ok") }) },
  refusals: ["UNAVAILABLE"],
  handle: async (context) => {
    const [trouble, ...more] = await readinessTroubles(context);
    if (trouble !== undefined)
      throw new ControllerError("UNAVAILABLE", { message: trouble, details: more.join("\n"), retryAfter: 5 });
    return { status: 200, body: { status: "ok" as const } };
  },
});

export const metaRoutes: readonly Endpoint[] = [alive, ready];
