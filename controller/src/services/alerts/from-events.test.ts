import type { Drill, Verification } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import {
  envelopes,
  finished,
  ingestOn,
  NOW,
  newAgent,
  recorded,
  sidecarOf,
  speaker,
  started,
} from "../ingest/test-events.ts";
import { runProjection } from "../projection/run-projection.ts";
import { alertsFromEvents } from "./from-events.ts";

describeOnBothStores("alerts from events", (open) => {
  it("a backup that failed is one until the next is made; a cancelled one changes nothing", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const error = { code: "SOURCE_UNREADABLE", message: "the disk is away", remedy: null };
    const follow = () => runProjection(store, alertsFromEvents, NOW);
    await follow();
    const failed = finished("a", { state: "failed", error, outcome: null });
    await agent.send(envelopes(1, started("a"), failed, started("b"), finished("b", { state: "cancelled" })));
    await follow();
    await agent.send(envelopes(5, started("c"), finished("c")));
    await follow();
    const flips = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
    expect(flips).toMatchObject([
      { type: "backup_failure", state: "firing", message: expect.stringMatching(/failed: the disk is away/) },
      { type: "backup_failure", state: "ok" },
    ]);
  });

  it("the newest proof of a backup counts, also when older ones are told again; what is inconclusive says nothing", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const follow = () => runProjection(store, alertsFromEvents, NOW);
    await follow();
    const backupId = "backup-web-000000-disk0-20260301-030000";
    const broken = [{ code: "CHAIN_INCONSISTENT", message: "its parent is gone" }];
    const first = [verified(backupId, ["failed", 10]), verified(backupId, ["passed", 5])];
    await agent.send(
      envelopes(1, ...first, verified(backupId, ["error", 20]), verified(backupId, ["failed", 30, broken])),
    );
    await follow();
    await agent.send(
      envelopes(
        5,
        drilled(backupId, "failed", 10),
        drilled(backupId, "inconclusive", 20),
        drilled(backupId, "passed", 5),
      ),
    );
    await follow();
    const conditions = async () => {
      const rows = await store.read((db) => db.select().from(db.tables.conditions).orderBy(db.tables.conditions.type));
      return rows.map(({ type, state, subjectKey, rootKey, message }) => ({
        type,
        state,
        subjectKey,
        rootKey,
        message,
      }));
    };
    const subjectKey = `backup:${agent.agentId}/${backupId}`;
    const firing = { state: "firing", subjectKey };
    expect(await conditions()).toEqual([
      {
        ...firing,
        type: "chain_broken",
        rootKey: null,
        message: `the chain of ${backupId} is broken: its parent is gone`,
      },
      {
        ...firing,
        type: "restore_failure",
        rootKey: subjectKey,
        message: `the restore drill of ${backupId} failed: so`,
      },
      {
        ...firing,
        type: "verification_failure",
        rootKey: subjectKey,
        message: `the verification of ${backupId} failed: so`,
      },
    ]);
    await agent.send(envelopes(8, verified(backupId, ["passed", 40]), drilled(backupId, "passed", 40)));
    await follow();
    expect((await conditions()).map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
  });

  it("a backup whose evidence is told differently is tampering, for ever", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const follow = () => runProjection(store, alertsFromEvents, NOW);
    await follow();
    const backupId = "backup-web-000000-disk0-20260301-030000";
    const map = { ...sidecarOf(backupId).hash_map, sha256: "0".repeat(64) };
    await agent.send(envelopes(1, recorded(backupId), recorded(backupId, { hash_map: map }), recorded(backupId)));
    await follow();
    const flips = await store.read((db) => db.select().from(db.tables.flips));
    expect(flips).toMatchObject([
      {
        ...{ type: "tampering", state: "firing", severity: "critical" },
        ...{ subjectKey: `backup:${agent.agentId}/${backupId}`, evidence: { backup_id: backupId } },
      },
    ]);
  });
});

function minute(minutes: number): string {
  return new Date(NOW.getTime() + (minutes - 60) * 60_000).toISOString();
}

function verified(
  backupId: string,
  [status, minutes, findings = []]: [Verification["status"], number, Verification["findings"]?],
) {
  const times = { started_at: minute(minutes), verified_at: minute(minutes), duration_seconds: 1 };
  const found = { findings, findings_total: findings.length, bytes_checked: 1, cached: false };
  const proof = { verification_id: `verification-${minutes}`, backup_id: backupId, parts: [], status, reason: "so" };
  const verification: Verification = { ...proof, ...found, ...times };
  const placed = { repository_id: "main", run_id: null, told_again: false };
  return { kind: "verification_recorded", body: { ...placed, verification } };
}

function drilled(backupId: string, status: Drill["status"], minutes: number) {
  const times = { started_at: minute(minutes), drilled_at: minute(minutes), duration_seconds: 1 };
  const found = { findings: [], findings_total: 0, restored_bytes: 1, restore_seconds: 1 };
  const proof = { drill_id: `drill-${minutes}`, backup_id: backupId, level: "bytes", status, reason: "so" } as const;
  const drill: Drill = { ...proof, ...found, ...times };
  const placed = { repository_id: "main", run_id: null, told_again: false };
  return { kind: "drill_recorded", body: { ...placed, drill } };
}
