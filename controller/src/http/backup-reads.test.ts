import { expect, it } from "vitest";
import { describeApi } from "./test-api.ts";
import { idsOf, seedBackup, seedDrill, seedItem, seedVerification } from "./test-seeds.ts";

const ids = (body: Record<string, unknown>) => idsOf(body, "backups", "backup_id");

describeApi("reading backups", (api) => {
  it("filters combine, pages join, no filter lists all", async () => {
    const web = await seedItem(api());
    const db = await seedItem(api(), "db");
    const all: string[] = [];
    for (let minute = 0; minute < 5; minute++) all.unshift(await seedBackup(api(), web, minute));
    const other = await seedBackup(api(), db, 9, { vmName: "db", backupType: "incremental", status: "failed" });
    const list = async (query: string) => (await api().get(`/api/v1/backup/list?${query}`)).body;
    expect(await list("")).toMatchObject({ total: 6, total_exact: true, next_cursor: null });
    expect(ids(await list(""))).toEqual([other, ...all]);
    expect(ids(await list("vm_name=web&status=completed&backup_type=full&repository_id=main"))).toEqual(all);
    expect(ids(await list("vm_context_id=db-1"))).toEqual([other]);
    expect(ids(await list("vm_name=web&status=failed"))).toEqual([]);
    expect(ids(await list(`agent_id=${db.agentId}`))).toEqual([other]);
    const walked: unknown[] = [];
    for (let cursor = ""; ; ) {
      const page = await list(`vm_name=web&limit=2${cursor}`);
      expect(page["total"]).toBe(5);
      walked.push(...ids(page));
      if (page["next_cursor"] === null) break;
      cursor = `&cursor=${page["next_cursor"]}`;
    }
    expect(walked).toEqual(all);
  });

  it("what was proven is told from what is stored, the newest of each", async () => {
    const item = await seedItem(api());
    const id = await seedBackup(api(), item, 0);
    expect((await api().get(`/api/v1/backup/${id}`)).body).toMatchObject({ verification: null, drill: null });
    await seedVerification(api(), item.agentId, id, "passed", 1);
    const failed = await seedVerification(api(), item.agentId, id, "failed", 2);
    const drill = await seedDrill(api(), item.agentId, id, "passed", 3);
    const { body } = await api().get(`/api/v1/backup/${id}`);
    expect(body).toMatchObject({
      verification: { verification_id: failed, status: "failed", cached: false },
      drill: { drill_id: drill, status: "passed", restore_seconds: 1.5 },
      checksum: { algorithm: "sha256", hash_map: "ab".repeat(32) },
    });
    expect((await api().get("/api/v1/backup/list")).body["backups"]).toEqual([body]);
    expect((await api().get(`/api/v1/verifications/${failed}`)).body).toMatchObject({
      backup_id: id,
      status: "failed",
    });
    expect((await api().get(`/api/v1/drills?backup_id=${id}&status=passed`)).body).toMatchObject({ total: 1 });
  });

  it("of one id on two agents needs the agent", async () => {
    const one = await seedItem(api());
    const two = await seedItem(api(), "web", "web-2");
    const id = await seedBackup(api(), one, 0);
    await seedBackup(api(), two, 0);
    const reply = await api().get(`/api/v1/backup/${id}`);
    expect([reply.status, reply.body["code"]]).toEqual([409, "AMBIGUOUS"]);
    expect((await api().get(`/api/v1/backup/${id}?agent_id=${two.agentId}`)).body).toMatchObject({
      vm_context_id: "web-2",
    });
    const limited = await api().key(["read"], one.agentId);
    expect((await api().get(`/api/v1/backup/${id}`, { as: limited })).body).toMatchObject({ vm_context_id: "web-1" });
  });

  it("a chain is the current one, older ones stand beside it", async () => {
    const item = await seedItem(api());
    const chain = (query: string) => api().get(`/api/v1/backup/chain?${query}`);
    expect((await chain("vm_name=web")).body).toMatchObject({
      backups: [],
      backup_count: 0,
      full_backup_id: null,
      chains: [],
    });
    const old = await seedBackup(api(), item, 30, { chainNumber: 1 });
    const full = await seedBackup(api(), item, 1, { chainNumber: 2 });
    const more = {
      backupType: "incremental",
      parentBackupId: full,
      fullBackupId: full,
      chainNumber: 2,
      chainPosition: 1,
    } as const;
    const increment = await seedBackup(api(), item, 2, more);
    const { body } = await chain("vm_context_id=web-1");
    expect(body).toMatchObject({
      chain_id: "web-1-disk0-chain",
      vm_name: "web",
      repository_id: "main",
      full_backup_id: full,
      total_size_bytes: 2000,
      backup_count: 2,
      chains: [{ full_backup_id: old, backup_ids: [old], backup_count: 1 }],
    });
    expect(ids(body)).toEqual([full, increment]);
    expect((await chain("vm_name=web&disk_id=1")).body).toMatchObject({
      chain_id: "web-1-disk1-chain",
      backup_count: 0,
    });
    expect((await chain("vm_name=nope")).status).toBe(404);
    expect((await chain("")).body["fields"]).toMatchObject([{ path: "vm_context_id" }]);
  });
});
