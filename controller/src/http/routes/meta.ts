import { z } from "@hono/zod-openapi";
import { ControllerError } from "../../errors.ts";
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
  summary: "Whether it can do its work: the database answers",
  action: null,
  answers: { 200: z.strictObject({ status: z.literal("ok") }) },
  refusals: ["UNAVAILABLE"],
  handle: async ({ store }) => {
    try {
      await store.read((db) => db.select().from(db.tables.settings).limit(1));
    } catch (cause) {
      throw new ControllerError("UNAVAILABLE", { message: "the database does not answer", retryAfter: 5, cause });
    }
    return { status: 200, body: { status: "ok" as const } };
  },
});

export const metaRoutes: readonly Endpoint[] = [alive, ready];
