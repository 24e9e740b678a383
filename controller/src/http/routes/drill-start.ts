import { backupId } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { startDrill } from "../../services/backups/order.ts";
import { commandBody, toCommand } from "../answers/command.ts";
import { agentInQuery } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";

export const drillStartRoute: Endpoint = endpoint({
  method: "post",
  path: "/api/v1/drills",
  tag: "drills",
  summary: "Have a backup restored to scratch space, compared and timed",
  action: "drills.start",
  body: z.strictObject({ backup_id: backupId, agent_id: agentInQuery }),
  answers: { 202: commandBody },
  refusals: ["NOT_FOUND", "AMBIGUOUS", "CONFLICT", "AGENT_REVOKED"],
  handle: async (context, { body, caller, header }) => {
    const ref = { backupId: body.backup_id, agentId: body.agent_id };
    const command = await startDrill(context, caller, { ref, idempotencyKey: readIdempotencyKey(header) });
    return { status: 202, body: toCommand(command) };
  },
});
