import { expect, it } from "vitest";
import { policyBody } from "../../domain/policy/policy-body.ts";
import { seedRows } from "../../store/test-rows.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { recordObservations } from "../alerts/observe.ts";
import { finished, started } from "../ingest/test-events.ts";
import { observeCertificates } from "./certificates.ts";
import { drilledAt, type Health, idAt, madeAt, openHealth, verifiedAt } from "./test-health.ts";

const POLICY = "5d1d4c3e-0000-4000-8000-000000000001";
const day = (number: number, hour = 3) => `2026-03-0${number}T0${hour}:00:00.000Z`;

async function policy({ store, agentId, clock }: Health, version: number, targets: object): Promise<void> {
  const body = policyBody.parse({ name: "nightly", targets });
  const { policies: p, itemPolicies: i } = await store.read(async ({ tables }) => tables);
  const times = { createdAt: clock.now, createdBy: "test", updatedAt: clock.now, updatedBy: "test", retiredAt: null };
  await store.write(async (db) => {
    await db.delete(p).execute();
    await db.delete(i).execute();
    await seedRows(db, p, [{ policyId: POLICY, name: "nightly", version, enabled: true, priority: 1, body, ...times }]);
    await seedRows(db, i, [{ agentId, vmContextId: "vm-1", policyId: POLICY, boundBy: "explicit", since: clock.now }]);
  });
}

const go = async (health: Health, to: string) => {
  health.clock.now = new Date(to);
  await health.keep();
};

/** Backups of the night before, one after the other. */
const nights = (number: number, states: readonly ("completed" | "failed")[]) =>
  states.flatMap((state, index) => {
    const at = `2026-03-0${number}T03:0${index}:00.000Z`;
    const error = state === "failed" ? { code: "IO_FAILED", message: "no", remedy: null } : null;
    const outcome = state === "completed" ? "fine" : null;
    const name = `${number} ${index}`;
    return [started(name, { started_at: at }), finished(name, { state, outcome, error, ended_at: at })];
  });

describeOnBothStores("what is told of health", (open) => {
  it("is a measured fall under the policy's threshold, and its end; not that something is new or never proven", async () => {
    const health = await openHealth(await open(), day(1, 4));
    await policy(health, 1, { health_threshold: 0.8 });
    await health.tell(...nights(1, ["completed"]));
    await health.keep();
    expect((await health.states())[0]?.score).toBe(0.5);
    expect(await health.flips()).toEqual([]);
    await health.tell(...nights(2, ["failed", "failed", "failed"]));
    await go(health, day(2, 4));
    expect(await health.flips()).toEqual(["health_degradation firing"]);
    await policy(health, 2, { health_threshold: 0.5 });
    await health.keep();
    expect(await health.flips()).toEqual(["health_degradation firing", "health_degradation ok"]);
  });

  it("is a restore point that is too old by time alone, below a host that is away, until there is a new one", async () => {
    const health = await openHealth(await open(), day(1, 2));
    await policy(health, 1, { rpo_seconds: 86_400 });
    await health.keep();
    expect(await health.flips()).toEqual([]);
    health.clock.now = new Date(day(1, 4));
    await health.tell(madeAt(day(1)));
    await health.keep();
    expect((await health.states())[0]?.recheckAt).toEqual(new Date(day(2)));
    await go(health, "2026-03-02T02:59:59.000Z");
    expect(await health.flips()).toEqual([]);
    const subject = { kind: "agent", key: `agent:${health.agentId}`, agentId: health.agentId } as const;
    const away = { subject, type: "agent_offline", state: "firing", message: "away" } as const;
    await health.store.write((db) => recordObservations(db, [away], health.clock.now));
    await go(health, day(2));
    expect(await health.flips()).toEqual(["agent_offline firing", "rpo_missed firing below its host"]);
    health.clock.now = new Date(day(2, 5));
    await health.tell(madeAt(day(2, 5)));
    await health.keep();
    expect((await health.flips()).at(-1)).toMatch(/^rpo_missed ok/);
  });

  it("does not take a backup for new because its host's clock is ahead, nor a bad one for good", async () => {
    const health = await openHealth(await open(), day(1, 4));
    await policy(health, 1, { rpo_seconds: 86_400 });
    await health.tell(madeAt(day(9)), verifiedAt(day(9), idAt(day(9))), drilledAt(day(9), idAt(day(9))));
    await health.keep();
    const { facts, counts } = await health.view();
    const heard = new Date(day(1, 4));
    expect([facts.lastGoodAt, facts.lastVerifiedAt, facts.lastDrilledAt]).toEqual([heard, heard, heard]);
    // They count on the day on which they were heard of.
    expect([counts.verification.good, counts.drill.good]).toEqual([1, 1]);
    health.clock.now = new Date(day(1, 5));
    await health.tell(verifiedAt(day(1, 5), idAt(day(9)), "failed"));
    await health.keep();
    expect((await health.view()).facts.lastGoodAt).toBeNull();
  });

  it("is a restore that took too long in a drill", async () => {
    const health = await openHealth(await open(), day(1, 4));
    await policy(health, 1, { rto_seconds: 120 });
    await health.tell(madeAt(day(1)), drilledAt(day(1), idAt(day(1))));
    await health.keep();
    expect(await health.flips()).toEqual([]);
    await health.tell(drilledAt(day(1, 4), idAt(day(1)), { restore_seconds: 121 }));
    await health.keep();
    expect(await health.flips()).toEqual(["rto_missed firing"]);
  });

  it("is 3-2-1-1-0 that was kept to and is not any more; not that it never was", async () => {
    const health = await openHealth(await open(), day(1, 4));
    const { repositories: r, repositoryTraits: t } = await health.store.read(async ({ tables }) => tables);
    const of = { agentId: health.agentId, repositoryId: "vault" };
    const state = {
      kind: "nfs",
      path: "/v",
      origin: "host",
      encryption: false,
      state: "ready",
      freeBytes: null,
    } as const;
    const times = { createdAt: health.clock.now, updatedAt: health.clock.now, retiredAt: null, stateReason: null };
    await health.store.write((db) => seedRows(db, r, [{ ...of, ...state, ...times }]));
    const second = idAt(day(1, 1));
    await health.tell(madeAt(day(1)), verifiedAt(day(1), idAt(day(1))), drilledAt(day(1), idAt(day(1))));
    const elsewhere = madeAt(day(1, 1));
    await health.tell({ ...elsewhere, body: { ...elsewhere.body, repository_id: "vault" } });
    await health.tell(verifiedAt(day(1), second), drilledAt(day(1), second));
    await health.keep();
    expect([(await health.states())[0]?.compliant, await health.flips()]).toEqual([false, []]);
    const kept = {
      media: "tape",
      offSite: true,
      offline: true,
      immutable: false,
      setAt: health.clock.now,
      setBy: "test",
    };
    await health.store.write((db) => seedRows(db, t, [{ ...of, ...kept }]));
    await health.tell(...nights(1, ["completed"]));
    await health.keep();
    expect([(await health.states())[0]?.compliant, await health.flips()]).toEqual([true, []]);
    await go(health, "2026-03-08T00:59:59.000Z");
    expect(await health.flips()).toEqual([]);
    await go(health, "2026-03-08T01:00:00.000Z");
    expect(await health.flips()).toEqual(["compliance_lost firing"]);
    await go(health, "2026-03-09T03:00:00.000Z");
    expect(await health.flips()).toEqual(["compliance_lost firing"]);
  });

  it("is a repository with room for less than a tenth of what its backups take", async () => {
    const health = await openHealth(await open(), day(1, 4));
    const { repositories: r } = await health.store.read(async ({ tables }) => tables);
    const free = async (freeBytes: number) => {
      await health.store.write((db) => db.update(r).set({ freeBytes }).execute());
      await health.tell(madeAt(day(1)));
      await health.keep();
    };
    await free(1e9);
    expect(await health.flips()).toEqual([]);
    for (const bytes of [40_000, 50_000]) await free(bytes);
    expect(await health.flips()).toEqual(["capacity firing"]);
    await free(60_000);
    expect(await health.flips()).toEqual(["capacity firing", "capacity ok"]);
    await free(1);
    await health.store.write((db) => db.update(r).set({ retiredAt: health.clock.now }).execute());
    await free(1);
    expect((await health.flips()).slice(2)).toEqual(["capacity firing", "capacity ok"]);
  });

  it("is a certificate that ends soon, of a host or of the controller's own authority", async () => {
    const health = await openHealth(await open(), day(1));
    const { certificates: c } = await health.store.read(async ({ tables }) => tables);
    const certificate = (fingerprint: string, notAfter: Date) => ({
      ...{ fingerprint, agentId: health.agentId, serial: fingerprint, keyFingerprint: fingerprint, notAfter },
      ...{ notBefore: health.clock.now, issuedAt: health.clock.now, revokedAt: null, reason: null },
    });
    const look = async (now: string, authorityEndsAt = new Date("2046-01-01T00:00:00Z")) => {
      health.clock.now = new Date(now);
      await observeCertificates({ ...health.context, authorityEndsAt });
      return await health.flips();
    };
    await health.store.write((db) => seedRows(db, c, [certificate("old", new Date("2026-03-09T00:00:00Z"))]));
    expect(await look("2026-03-01T23:59:59Z")).toEqual([]);
    expect(await look("2026-03-02T00:00:00Z")).toEqual(["certificate_expiring firing"]);
    await health.store.write((db) => seedRows(db, c, [certificate("new", new Date("2026-06-09T00:00:00Z"))]));
    expect(await look("2026-03-02T00:00:01Z")).toEqual(["certificate_expiring firing", "certificate_expiring ok"]);
    expect((await look("2026-03-03T00:00:00Z", new Date("2026-04-01T00:00:00Z"))).slice(2)).toEqual([
      "certificate_expiring firing",
    ]);
  });
});
