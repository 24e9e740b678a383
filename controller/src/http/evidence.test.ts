import { createHash, verify } from "node:crypto";
import { canonicalJson } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, START } from "./test-api.ts";
import type { Json } from "./test-client.ts";
import { seedBackup, seedDrill, seedItem, seedVerification } from "./test-seeds.ts";

const AT = (minute: number) => new Date(START.getTime() + minute * 60_000).toISOString();
const period = (from: number, until: number) => `from=${AT(from)}&until=${AT(until)}`;

describeApi("an evidence pack", (api) => {
  const read = async (query: string, as?: string) =>
    await api().get(`/api/v1/evidence?${query}`, as === undefined ? {} : { as });
  const isSigned = async (text: string, signature: unknown) => {
    const key = (await api().get("/api/v1/evidence/public-key.pem")).text;
    return verify("sha256", Buffer.from(text), key, Buffer.from(String(signature), "base64"));
  };
  const idsOf = (body: Json, list: string, field: string) => (body[list] as Json[]).map((row) => row[field]);
  const later = (minute: number) => {
    api().clock.now = new Date(AT(minute));
  };

  it("holds what was proven in its period, and what the proofs are about, as canonical JSON that is signed", async () => {
    const item = await seedItem(api());
    const backup = await seedBackup(api(), item, 0);
    await seedBackup(api(), item, 1);
    const early = await seedVerification(api(), item.agentId, backup, "passed", -1);
    const first = await seedVerification(api(), item.agentId, backup, "passed", 0);
    const failed = await seedVerification(api(), item.agentId, backup, "failed", 59);
    await seedVerification(api(), item.agentId, backup, "passed", 60);
    const drill = await seedDrill(api(), item.agentId, "backup-gone", "passed", 30);
    later(120);
    const { status, text, body, headers } = await read(period(0, 60));
    expect(status).toBe(200);
    expect(text).toBe(canonicalJson(JSON.parse(text)));
    expect(body).toMatchObject({
      ...{ schema: "holdfast.evidence/1", from: AT(0), until: AT(60), made_at: AT(120), agent_id: null },
      controller: { version: "test", key_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      drills: [{ drill_id: drill, agent_id: item.agentId, level: "bytes" }],
    });
    expect(idsOf(body, "verifications", "verification_id")).toEqual([first, failed]);
    expect(text).not.toContain(early);
    expect(body["backups"]).toEqual(
      [
        { agent_id: item.agentId, backup_id: backup, hash_map_sha256: "ab".repeat(32), sidecar_digest: null },
        { agent_id: item.agentId, backup_id: "backup-gone", hash_map_sha256: null, sidecar_digest: null },
      ].sort((a, b) => (a.backup_id < b.backup_id ? -1 : 1)),
    );
    expect(headers["x-holdfast-pack"]).toBe(createHash("sha256").update(text).digest("hex"));
    expect(await isSigned(text, headers["x-holdfast-signature"])).toBe(true);
    expect(await isSigned(text.replace("failed", "passed"), headers["x-holdfast-signature"])).toBe(false);
  });

  it("and its signature are asked for one after the other, also when more is told meanwhile", async () => {
    const { agentId } = await seedItem(api());
    await seedVerification(api(), agentId, "backup-a", "passed", 1);
    later(60);
    const first = await read(period(0, 60));
    await seedVerification(api(), agentId, "backup-b", "passed", 2);
    later(74);
    const signature = await api().get(`/api/v1/evidence/signature?${period(0, 60)}`);
    expect(signature.headers["x-holdfast-pack"]).toBe(first.headers["x-holdfast-pack"]);
    expect(signature.headers["x-holdfast-signature"]).toBe(first.headers["x-holdfast-signature"]);
    expect((await read(period(0, 60))).text).toBe(first.text);
    later(75);
    const again = await read(period(0, 60));
    expect(again.body["verifications"]).toHaveLength(2);
    expect(await isSigned(again.text, again.headers["x-holdfast-signature"])).toBe(true);
    // Asked for at the same time.
    const pairs = Array.from({ length: 6 }, async (_, index) => {
      const of = period(index, index + 1);
      const asked = ["evidence", "evidence/signature"].map((path) => api().get(`/api/v1/${path}?${of}`));
      const [pack, sig] = await Promise.all(asked);
      return [pack?.status, pack?.headers["x-holdfast-pack"] === sig?.headers["x-holdfast-pack"]];
    });
    expect(await Promise.all(pairs)).toEqual(Array.from({ length: 6 }, () => [200, true]));
  });

  it("has every proof once, also of one moment and over many batches", async () => {
    const { agentId } = await seedItem(api());
    const row = (index: number) => {
      const verifiedAt = new Date(AT(Math.floor(index / 700)));
      const verificationId = `v-${String(index).padStart(5, "0")}`;
      const body = { verification_id: verificationId, note: "ä\u2028€" } as never;
      return { verificationId, agentId, backupId: `b-${index % 450}`, status: "passed" as const, verifiedAt, body };
    };
    const rows = Array.from({ length: 1300 }, (_, index) => ({ ...row(index), cached: false }));
    await api().store.write(async (db) => {
      for (let at = 0; at < rows.length; at += 100)
        await db
          .insert(db.tables.verifications)
          .values(rows.slice(at, at + 100))
          .execute();
    });
    later(60);
    const { text, body, headers } = await read(period(0, 60));
    expect(idsOf(body, "verifications", "verification_id")).toEqual(rows.map((each) => each.verificationId));
    expect(new Set(idsOf(body, "backups", "backup_id")).size).toBe(450);
    expect(body["backups"]).toHaveLength(450);
    expect(text).toBe(canonicalJson(JSON.parse(text)));
    expect(await isSigned(text, headers["x-holdfast-signature"])).toBe(true);
  });

  it("of one host holds its own alone, and is all that a key of that host gets", async () => {
    const { agentId } = await seedItem(api());
    const other = await api().agent("other");
    await seedVerification(api(), agentId, "backup-a", "passed", 1);
    await seedDrill(api(), other, "backup-b", "passed", 1);
    later(60);
    const limited = await api().key(["read"], other);
    const own = await read(period(0, 60), limited);
    expect(own.body).toMatchObject({ agent_id: other, verifications: [], drills: [{ backup_id: "backup-b" }] });
    expect((await read(`${period(0, 60)}&agent_id=${agentId}`)).body["drills"]).toEqual([]);
    expect((await read(`${period(0, 60)}&agent_id=${agentId}`, limited)).status).toBe(403);
    expect((await read(period(0, 60))).body).toMatchObject({ verifications: [{}], drills: [{}] });
  });

  it("is of a period that is over", async () => {
    expect((await read(period(-60, 1))).body["fields"]).toEqual([
      { path: "until", message: "must not be in the future" },
    ]);
    expect((await read(period(-1, -1))).body["fields"]).toEqual([{ path: "until", message: "must be after 'from'" }]);
    expect((await read("from=yesterday")).status).toBe(400);
    expect((await read(period(-60, 0))).body).toMatchObject({ backups: [], drills: [], verifications: [] });
  });
});
