/** Hosts: who they are, how they prove it, and how far what they told was applied. */
import type { Problem } from "@holdfast/protocol";
import type { Dialect } from "./dialect.ts";

export type PolicyRefusal = { subject: string; error: Problem };

export function defineAgents(d: Dialect) {
  return d.table(
    "agents",
    {
      agentId: d.text("agent_id").primaryKey(),
      name: d.text("name").notNull(),
      hostname: d.text("hostname").notNull(),
      platform: d.text("platform").notNull(),
      version: d.text("version").notNull(),
      state: d.text("state").$type<"enrolled" | "revoked">().notNull(),
      labels: d.json<Record<string, string>>("labels").notNull(),
      createdAt: d.time("created_at").notNull(),
      lastSeenAt: d.time("last_seen_at"),
      bootId: d.text("boot_id"),
      clockOffsetMs: d.int("clock_offset_ms"),
      info: d.json<Record<string, unknown>>("info").notNull(),
      policyVersion: d.int("policy_version").notNull(),
      policyAppliedVersion: d.int("policy_applied_version").notNull(),
      policyRefused: d.json<PolicyRefusal[]>("policy_refused").notNull(),
      /** IANA name; null: it has not said. */
      timeZone: d.text("time_zone"),
      /** Away for longer, it is offline; null: as long as for all. */
      offlineAfterSeconds: d.int("offline_after_seconds"),
    },
    (t) => [d.index("agents_newest").on(t.createdAt, t.agentId), d.index("agents_hostname").on(t.hostname)],
  );
}
type Agents = ReturnType<typeof defineAgents>;

export function defineCertificates(d: Dialect, agents: Agents) {
  return d.table(
    "certificates",
    {
      /** sha256 of the certificate (DER), hex. */
      fingerprint: d.text("fingerprint").primaryKey(),
      agentId: d
        .text("agent_id")
        .notNull()
        .references(() => agents.agentId),
      serial: d.text("serial").notNull(),
      keyFingerprint: d.text("key_fingerprint").notNull(),
      notBefore: d.time("not_before").notNull(),
      notAfter: d.time("not_after").notNull(),
      issuedAt: d.time("issued_at").notNull(),
      revokedAt: d.time("revoked_at"),
      reason: d.text("reason"),
    },
    (t) => [
      d.index("certificates_of_agent").on(t.agentId, t.issuedAt),
      d.uniqueIndex("certificates_serial").on(t.serial),
    ],
  );
}

export function defineEnrolmentTokens(d: Dialect) {
  return d.table(
    "enrolment_tokens",
    {
      tokenId: d.text("token_id").primaryKey(),
      secretHash: d.text("secret_hash").notNull(),
      name: d.text("name"),
      createdBy: d.text("created_by").notNull(),
      createdAt: d.time("created_at").notNull(),
      expiresAt: d.time("expires_at").notNull(),
      usedAt: d.time("used_at"),
      /** The agent's id. */
      usedBy: d.text("used_by"),
      keyFingerprint: d.text("key_fingerprint"),
      revokedAt: d.time("revoked_at"),
    },
    (t) => [d.index("enrolment_tokens_newest").on(t.createdAt, t.tokenId)],
  );
}

export function defineSpoolEpochs(d: Dialect, agents: Agents) {
  return d.table(
    "spool_epochs",
    {
      agentId: d
        .text("agent_id")
        .notNull()
        .references(() => agents.agentId),
      epoch: d.text("epoch").notNull(),
      appliedSeq: d.int("applied_seq").notNull(),
      appliedEventId: d.text("applied_event_id"),
      openedAt: d.time("opened_at").notNull(),
      closedAt: d.time("closed_at"),
    },
    (t) => [d.primaryKey({ name: "spool_epochs_pk", columns: [t.agentId, t.epoch] })],
  );
}

export function defineSpoolGaps(d: Dialect, agents: Agents) {
  return d.table(
    "spool_gaps",
    {
      gapId: d.text("gap_id").primaryKey(),
      agentId: d
        .text("agent_id")
        .notNull()
        .references(() => agents.agentId),
      epoch: d.text("epoch").notNull(),
      fromSeq: d.int("from_seq").notNull(),
      toSeq: d.int("to_seq").notNull(),
      reason: d.text("reason").notNull(),
      noticedAt: d.time("noticed_at").notNull(),
    },
    (t) => [
      d.uniqueIndex("spool_gaps_place").on(t.agentId, t.epoch, t.fromSeq, t.toSeq),
      d.index("spool_gaps_newest").on(t.noticedAt, t.gapId),
    ],
  );
}
