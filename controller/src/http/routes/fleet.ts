import { z } from "@hono/zod-openapi";
import { fleetStatus } from "../../services/agents/status.ts";
import { listAudit } from "../../services/audit/list.ts";
import { count, iso, paging, time } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const status = endpoint({
  method: "get",
  path: "/api/v1/status",
  tag: "about",
  summary: "The fleet in numbers",
  action: "status.read",
  answers: {
    200: z
      .strictObject({
        version: z.string(),
        time,
        agents: z.strictObject({ enrolled: count, connected: count, revoked: count }),
        items: count,
        running_executions: count,
        open_commands: count,
        executions_last_day: z
          .strictObject({ completed: count, failed: count, cancelled: count, lost: count })
          .openapi({ description: "Of the runs that began within the last 24 hours." }),
      })
      .openapi("Status"),
  },
  handle: async (context, { caller: { actor } }) => {
    const fleet = await fleetStatus(context, actor);
    const connected =
      actor.agentId === null ? context.links.agents().length : Number(context.links.isConnected(actor.agentId));
    return {
      status: 200,
      body: {
        version: context.version,
        time: iso(context.now()),
        agents: { ...fleet.agents, connected },
        items: fleet.items,
        running_executions: fleet.running,
        open_commands: fleet.openCommands,
        executions_last_day: fleet.lastDay,
      },
    };
  },
});

const auditBody = z
  .strictObject({
    audit_id: count,
    at: time,
    actor: z.string().openapi({ example: "api-key:Wm9yZ2xpY2tlcnMh" }),
    action: z.string(),
    subject: z.string().nullable(),
    outcome: z.string().openapi({ description: "`done`, `accepted`, or the code of the refusal." }),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi("AuditEntry");

const audit = endpoint({
  method: "get",
  path: "/api/v1/audit",
  tag: "audit",
  summary: "Who changed what, and what was refused, newest first",
  action: "audit.read",
  query: z.strictObject({
    actor: z.string().max(300).optional(),
    action: z.string().max(100).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ entries: z.array(auditBody), next_cursor: z.string().nullable() }) },
  handle: async (context, { query }) => {
    const { rows, nextCursor } = await listAudit(context, query);
    const entries = rows.map(({ auditId, at, ...rest }) => ({ audit_id: auditId, at: iso(at), ...rest }));
    return { status: 200, body: { entries, next_cursor: nextCursor } };
  },
});

export const fleetRoutes: readonly Endpoint[] = [status, audit];
