/** What people and programs ask for: commands, keys, settings, and the record of who did what. */
import type { CommandChanged, CommandState, Problem } from "@holdfast/protocol";
import { isNotNull } from "drizzle-orm";
import type { Dialect } from "./dialect.ts";

export function defineCommands(d: Dialect) {
  return d.table(
    "commands",
    {
      commandId: d.text("command_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      kind: d.text("kind").notNull(),
      arguments: d.json<Record<string, unknown>>("arguments").notNull(),
      author: d.text("author").notNull(),
      reason: d.text("reason").notNull(),
      state: d.text("state").$type<CommandState>().notNull(),
      createdAt: d.time("created_at").notNull(),
      deadline: d.time("deadline").notNull(),
      sentAt: d.time("sent_at"),
      finishedAt: d.time("finished_at"),
      result: d.json<NonNullable<CommandChanged["result"]>>("result"),
      error: d.json<Problem>("error"),
      runIds: d.json<string[]>("run_ids").notNull(),
      idempotencyKey: d.text("idempotency_key"),
      cancelRequestedAt: d.time("cancel_requested_at"),
      /** Of one that a second person has to allow before it is sent; null: nobody has to. */
      approvalState: d.text("approval_state").$type<"needed" | "approved" | "rejected">(),
      approvalBy: d.text("approval_by"),
      approvalAt: d.time("approval_at"),
      approvalReason: d.text("approval_reason"),
    },
    (t) => [
      d.uniqueIndex("commands_idempotency_key").on(t.idempotencyKey),
      d.index("commands_newest").on(t.createdAt, t.commandId),
      d.index("commands_of_agent").on(t.agentId, t.state, t.createdAt, t.commandId),
      d.index("commands_newest_of_agent").on(t.agentId, t.createdAt, t.commandId, t.kind),
      d.index("commands_state").on(t.state, t.createdAt, t.commandId),
      d.index("commands_kind").on(t.kind, t.createdAt, t.commandId, t.state),
      d
        .index("commands_approval")
        .on(t.approvalState, t.createdAt, t.commandId, t.agentId)
        .where(isNotNull(t.approvalState)),
    ],
  );
}

export function defineApiKeys(d: Dialect) {
  return d.table(
    "api_keys",
    {
      keyId: d.text("key_id").primaryKey(),
      name: d.text("name").notNull(),
      secretHash: d.text("secret_hash").notNull(),
      scopes: d.json<string[]>("scopes").notNull(),
      agentId: d.text("agent_id"),
      networks: d.json<string[]>("networks").notNull(),
      zone: d.text("zone"),
      createdBy: d.text("created_by").notNull(),
      createdAt: d.time("created_at").notNull(),
      expiresAt: d.time("expires_at"),
      revokedAt: d.time("revoked_at"),
      replacedBy: d.text("replaced_by"),
      lastUsedAt: d.time("last_used_at"),
    },
    (t) => [d.index("api_keys_newest").on(t.createdAt, t.keyId)],
  );
}

export function defineAudit(d: Dialect) {
  return d.table(
    "audit",
    {
      auditId: d.counter("audit_id"),
      at: d.time("at").notNull(),
      actor: d.text("actor").notNull(),
      action: d.text("action").notNull(),
      subject: d.text("subject"),
      outcome: d.text("outcome").notNull(),
      details: d.json<Record<string, unknown>>("details").notNull(),
    },
    (t) => [
      d.index("audit_at").on(t.at, t.auditId),
      d.index("audit_actor").on(t.actor, t.auditId),
      d.index("audit_action").on(t.action, t.auditId),
    ],
  );
}

export function defineSettings(d: Dialect) {
  return d.table("settings", {
    name: d.text("name").primaryKey(),
    value: d.json<unknown>("value").notNull(),
  });
}
