import { expect, it } from "vitest";
import { addAgent, findAgent, revokeAgent } from "./agents.ts";
import { addCertificate, findCertificate, listCertificates, revokeCertificates } from "./certificates.ts";
import type { Db } from "./db.ts";
import { addEnrolmentToken, findEnrolmentToken, revokeEnrolmentToken, useEnrolmentToken } from "./enrolment-tokens.ts";
import { putSetting, readSetting } from "./settings.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOON = new Date("2026-03-01T12:00:00.000Z");
const after = (hours: number) => new Date(NOON.getTime() + hours * 3_600_000);

async function agent(db: Db, agentId: string): Promise<void> {
  const told = { name: "web", hostname: "web.example", platform: "linux", version: "0.1.0" };
  await addAgent(db, { agentId, ...told, createdAt: NOON });
}
async function certificate(db: Db, agentId: string, fingerprint: string, hours: number): Promise<void> {
  const times = { notBefore: NOON, notAfter: after(hours), issuedAt: after(hours - 720) };
  await addCertificate(db, { fingerprint, agentId, serial: `serial-${fingerprint}`, keyFingerprint: "k", ...times });
}

describeOnBothStores("who a host is", (open) => {
  it("spends a token once, and never an expired or revoked one", async () => {
    const store = await open();
    const use = { agentId: "a", keyFingerprint: "key", at: after(1) };
    const outcomes = await store.write(async (db) => {
      for (const [tokenId, hours] of Object.entries({ good: 2, late: 1, taken: 2 }))
        await addEnrolmentToken(db, {
          tokenId,
          secretHash: "h",
          createdBy: "x",
          createdAt: NOON,
          expiresAt: after(hours),
        });
      const revoked = await revokeEnrolmentToken(db, "taken", NOON);
      const first = await useEnrolmentToken(db, "good", use);
      const again = await useEnrolmentToken(db, "good", { ...use, agentId: "b" });
      return [
        revoked,
        first,
        again,
        await useEnrolmentToken(db, "late", use),
        await useEnrolmentToken(db, "taken", use),
      ];
    });
    expect(outcomes).toEqual([true, true, false, false, false]);
    expect(await store.read((db) => findEnrolmentToken(db, "good"))).toMatchObject({ usedBy: "a", usedAt: after(1) });
    expect(await store.write((db) => revokeEnrolmentToken(db, "good", after(1)))).toBe(false);
    expect(await store.read((db) => findEnrolmentToken(db, "none"))).toBeUndefined();
  });

  it("revokes what an agent could still show, and no other's", async () => {
    const store = await open();
    await store.write(async (db) => {
      await agent(db, "a");
      await agent(db, "b");
      for (const [print, hours] of [
        ["old", -1],
        ["new", 720],
        ["older", -2],
      ] as const)
        await certificate(db, "a", print, hours);
      await certificate(db, "b", "other", 720);
    });
    expect(await store.write((db) => revokeCertificates(db, "a", NOON, "stolen"))).toEqual(["new"]);
    expect((await store.read((db) => listCertificates(db, "a"))).map((row) => row.fingerprint)).toEqual([
      "new",
      "old",
      "older",
    ]);
    expect(await store.read((db) => findCertificate(db, "new"))).toMatchObject({ revokedAt: NOON, reason: "stolen" });
    expect(await store.read((db) => findCertificate(db, "other"))).toMatchObject({ revokedAt: null });
    const stranger = store.write((db) => certificate(db, "nobody", "x", 1));
    await expect(stranger).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("revokes an agent once", async () => {
    const store = await open();
    await store.write((db) => agent(db, "a"));
    expect(await store.write(async (db) => [await revokeAgent(db, "a"), await revokeAgent(db, "a")])).toEqual([
      true,
      false,
    ]);
    expect(await store.read((db) => findAgent(db, "a"))).toMatchObject({
      state: "revoked",
      labels: {},
      createdAt: NOON,
    });
  });

  it("keeps a setting's newest value", async () => {
    const store = await open();
    expect(await store.read((db) => readSetting(db, "x"))).toBeUndefined();
    await store.write((db) => putSetting(db, "x", { a: 1 }));
    await store.write((db) => putSetting(db, "x", [false]));
    expect(await store.read((db) => readSetting(db, "x"))).toEqual([false]);
  });
});
