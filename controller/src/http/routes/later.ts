import { z } from "@hono/zod-openapi";
import { ControllerError } from "../../errors.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

/** Addresses that clients know and that do nothing yet: they say so, and the document does not promise them. */
function notYet(path: string, what: string): Endpoint {
  return endpoint({
    method: "post",
    path,
    tag: "backups",
    summary: what,
    action: "backups.start",
    hidden: true,
    params: z.looseObject({}),
    body: z.looseObject({}),
    answers: {},
    handle: async () => {
      throw new ControllerError("NOT_AVAILABLE", { message: `${what} is not available in this version` });
    },
  });
}

export const laterRoutes: readonly Endpoint[] = [
  notYet("/api/v1/backup/consolidate", "consolidation"),
  notYet("/api/v1/backup/{backup_id}/copy", "copying to another repository"),
];
