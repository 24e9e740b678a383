import type { Drill, Verification } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { policyBody } from "../domain/policy/policy-body.ts";
import { pendingBackup } from "../services/backups/pending.ts";
import { proofsKeptSince } from "./purge-proofs.ts";
import { purgeResults } from "./purge-results.ts";
import { seedRows } from "./test-rows.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const DAYS = { evidenceDays: 1000, executionsDays: 100, auditDays: 100 };

const place = { agentId: "a", repositoryId: "main", vmContextId: "vm", vmName: "web", diskId: 0, policyId: null };
const wish = { backupType: "full" as const, restorePointId: null, commandId: null, tags: {} };
const backup = (backupId: string, more: object = {}) => ({
  ...pendingBackup({ ...place, ...wish, backupId, createdAt: daysAgo(2000) }),
  ...{ status: "completed" as const, ...more },
});
const verification = (id: string, backupId: string, status: Verification["status"], days: number) => ({
  ...{ verificationId: id, agentId: "a", backupId, status, cached: false, verifiedAt: daysAgo(days) },
  body: {} as Verification,
});
const drill = (id: string, backupId: string, days: number) => ({
  ...{ drillId: id, agentId: "a", backupId, status: "passed" as const, level: "restore" as Drill["level"] },
  ...{ restoreSeconds: 1, drilledAt: daysAgo(days), body: {} as Drill },
});
const plan = (planId: string, state: "applied" | "rejected" | "superseded" | "waiting", days: number, version = 1) => ({
  ...{ planId, agentId: "a", vmContextId: "vm", policyId: "p", policyVersion: version, madeAt: daysAgo(days) },
  ...{ madeBy: "policy:p", state, keepCount: 1, mergeCount: 0, removeCount: 1, removals: [], left: [], commandIds: [] },
});
const hold = (holdId: string, until: Date | null, releasedAt: Date | null) => ({
  ...{ holdId, agentId: "a", vmContextId: "vm", backupId: null, kind: "immutable" as const, until, reason: "" },
  ...{ createdAt: daysAgo(900), createdBy: "me", releasedAt },
});

describeOnBothStores("old results", (open) => {
  it("proofs go with what was removed, and a removed backup not before its proofs; what is there keeps what counts", async () => {
    const store = await open();
    await store.write(async (db) => {
      const { backups, verifications, drills } = db.tables;
      const gone = { removedAt: daysAgo(1500) };
      await seedRows(db, backups, [
        ...[
          backup("there"),
          backup("gone", gone),
          backup("proven", gone),
          backup("lately", { removedAt: daysAgo(10) }),
        ],
        ...[backup("failed", { status: "failed" }), backup("new", { status: "failed", createdAt: daysAgo(5) })],
      ]);
      await seedRows(db, verifications, [
        ...[verification("1", "there", "passed", 1900), verification("2", "there", "passed", 1800)],
        ...[verification("3", "there", "failed", 1950), verification("4", "gone", "passed", 1600)],
        ...[verification("5", "proven", "passed", 1600), verification("6", "lately", "passed", 900)],
        ...[verification("7", "lately", "passed", 1400)],
      ]);
      await seedRows(db, drills, [drill("1", "there", 1900), drill("2", "gone", 1600), drill("3", "proven", 500)]);
    });
    expect(await store.read(proofsKeptSince)).toBeNull();
    expect(await purgeResults(store, DAYS, NOW)).toBe(7);
    const left = await store.read(async (db) => {
      const { backups, verifications, drills } = db.tables;
      const b = await db.select({ id: backups.backupId }).from(backups);
      const v = await db.select({ id: verifications.verificationId }).from(verifications);
      const d = await db.select({ id: drills.drillId }).from(drills);
      return [b, v, d].map((rows) => rows.map(({ id }) => id).toSorted());
    });
    expect(left).toEqual([
      ["lately", "new", "proven", "there"],
      ["2", "3", "6"],
      ["1", "3"],
    ]);
    expect(await store.read(proofsKeptSince)).toEqual(daysAgo(1000));
    expect(await purgeResults(store, DAYS, NOW)).toBe(0);
  });

  it("of plans each item's newest that was carried out stays, what was refused while it holds, and what is not over", async () => {
    const store = await open();
    const made = { createdAt: NOW, createdBy: "me", updatedAt: NOW, updatedBy: "me" };
    const body = policyBody.parse({ name: "p" });
    const many = Array.from({ length: 450 }, (_, index) => plan(`many-${index}`, "superseded", 500));
    await store.write(async (db) => {
      const { policies, retentionPlans, holds } = db.tables;
      await seedRows(db, policies, [
        { policyId: "p", version: 2, name: "p", enabled: true, priority: 1, body, ...made },
      ]);
      await seedRows(db, retentionPlans, [
        ...[plan("a1", "applied", 400), plan("a2", "applied", 300), plan("w", "waiting", 900)],
        ...[plan("r1", "rejected", 600, 1), plan("r2", "rejected", 600, 2), plan("s", "superseded", 50), ...many],
      ]);
      await seedRows(db, holds, [
        ...[hold("old", null, daysAgo(200)), hold("lately", null, daysAgo(20)), hold("over", daysAgo(300), null)],
      ]);
    });
    expect(await purgeResults(store, DAYS, NOW)).toBe(453);
    const { retentionPlans: r, holds: h } = await store.read(async (db) => db.tables);
    const plans = await store.read((db) => db.select({ id: r.planId }).from(r));
    const holds = await store.read((db) => db.select({ id: h.holdId }).from(h));
    expect(plans.map(({ id }) => id).toSorted()).toEqual(["a2", "r2", "s", "w"]);
    expect(holds.map(({ id }) => id).toSorted()).toEqual(["lately", "over"]);
  });
});
