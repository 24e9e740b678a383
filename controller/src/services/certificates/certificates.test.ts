import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { issueAgentCertificate, planAgentCertificate } from "../../adapters/pki/issue.ts";
import { readRequest } from "../../adapters/pki/request.ts";
import { findAgent } from "../../store/agents.ts";
import { listCertificates } from "../../store/certificates.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { caller, openBench, openPlace, type Place } from "../enrolment/test-identity.ts";
import { admitCertificate } from "./admit.ts";
import { revokeAgent } from "./revoke-agent.ts";
import { chainOf, days, renewOldOf, startAgent } from "./test-agent.ts";

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

describeOnBothStores("certificates", (open) => {
  it("the old one works until the new one was seen in use", async () => {
    const { bench, at, first, admit, renew, stored } = await startAgent(place, await open());
    const old = chainOf(first);
    at(15);
    const next = await renew(old, bench.host());
    expect(await admit(old)).toEqual({ ok: true });
    expect(await admit(old)).toEqual({ ok: true });
    expect(await admit(next)).toEqual({ ok: true });
    expect(await admit(old)).toMatchObject({ ok: false, code: "CERTIFICATE_SUPERSEDED" });
    expect(await admit(next)).toEqual({ ok: true });
    expect((await stored()).map(({ reason }) => reason)).toEqual([null, "superseded"]);
  });

  it("a lost answer is given again for the same key, a key that was used before gets nothing", async () => {
    const { bench, at, first, renew, stored } = await startAgent(place, await open());
    at(15);
    const host = bench.host();
    const next = await renew(chainOf(first), host);
    at(16);
    expect(await renew(chainOf(first), host)).toBe(next);
    expect(await stored()).toHaveLength(2);
    await expect(renew(chainOf(first), first.host)).rejects.toMatchObject({ fields: [{ path: "csr" }] });
    at(31);
    await expect(renew(chainOf(first), host)).rejects.toMatchObject({ fields: [{ path: "csr" }] });
  });

  it("another agent's key gets nothing", async () => {
    const { bench, first, renew } = await startAgent(place, await open());
    const other = await bench.enrolled();
    await expect(renew(chainOf(first), other.host)).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
  });

  it("an agent that loses its keys again and again is stopped for the day", async () => {
    const { at, bench, first, renew, agentId, stored } = await startAgent(place, await open());
    at(15);
    for (let count = 0; count < 20; count++) {
      const plan = planAgentCertificate(readRequest(first.host.csr), agentId, bench.clock.now);
      const made = issueAgentCertificate(place.authority, plan);
      await bench.context.store.write(async (db) => {
        const row = { ...made, agentId, keyFingerprint: randomUUID(), issuedAt: bench.clock.now };
        await db.insert(db.tables.certificates).values(row);
      });
    }
    const host = bench.host();
    await expect(renew(chainOf(first), host)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfter: 3600 });
    expect(await stored()).toHaveLength(21);
    at(17);
    await renew(chainOf(first), host);
  });

  it("a revoked agent is not admitted, renews in no way, and the answer says whom to disconnect", async () => {
    const { at, bench, first, agentId, admit, renew, renewOld } = await startAgent(place, await open());
    const revoke = () => revokeAgent(bench.context, caller, { agentId, reason: "stolen" });
    const next = await renew(chainOf(first), bench.host());
    const fingerprints = [next, chainOf(first)].map((chain) => bench.certificateOf(chain).fingerprint);
    const { disconnect, certificates } = await revoke();
    expect(disconnect).toBe(agentId);
    expect([...certificates].sort()).toEqual(fingerprints.sort());
    for (const chain of [next, chainOf(first)]) expect(await admit(chain)).toMatchObject({ code: "AGENT_REVOKED" });
    const host = bench.host();
    await expect(renew(chainOf(first), host)).rejects.toMatchObject({ code: "AGENT_REVOKED" });
    at(40);
    await expect(renewOld(chainOf(first), first.host, host)).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await revoke()).toEqual({ disconnect: agentId, certificates: [] });
    await expect(revokeAgent(bench.context, caller, { agentId: randomUUID(), reason: "" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("a controller restored from an old copy takes back what its own authority signed since", async () => {
    const { at, bench, first, agentId, renew } = await startAgent(place, await open());
    at(15);
    const next = await renew(chainOf(first), bench.host());
    const restored = openBench(place, await open());
    restored.clock.now = days(16);
    const admit = (chain: string) => admitCertificate(restored.context, caller, restored.certificateOf(chain));
    expect(await admit(next)).toEqual({ ok: true });
    expect(await admit(next)).toEqual({ ok: true });
    expect(await restored.context.store.read((db) => findAgent(db, agentId))).toMatchObject({ state: "enrolled" });
    const again = restored.context.store.read((db) => listCertificates(db, agentId));
    expect(await again).toMatchObject([{ fingerprint: restored.certificateOf(next).fingerprint, revokedAt: null }]);
    const expired = await openBench(place, await open());
    expired.clock.now = days(50);
    await renewOldOf(expired, chainOf(first), first.host, bench.host());
    expect(await bench.audit()).toHaveLength(3);
  });
});
