import type { ControllerFrame } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { describeApi, START, type TestApi } from "./test-api.ts";
import { seedBackup, seedDrill, seedItem, seedVerification } from "./test-seeds.ts";

/** Two chains of web-1: an old full with an increment, and a new full, which is the newest. */
async function world(api: TestApi) {
  const item = await seedItem(api);
  const full = await seedBackup(api, item, 1);
  const child = { backupType: "incremental", parentBackupId: full, fullBackupId: full, chainPosition: 1 } as const;
  const increment = await seedBackup(api, item, 2, child);
  const newest = await seedBackup(api, item, 3, { chainNumber: 2 });
  const remove = (id: string, query = "") => api.call("DELETE", `/api/v1/backup/${id}${query}`);
  return { item, full, increment, newest, remove };
}

/** An agent that ends every command it gets as told. */
function obedient(api: TestApi, agentId: string, answer: (frame: ControllerFrame) => Promise<void>): void {
  api.links.add(agentId, {
    end: () => undefined,
    send: (frame) => {
      setTimeout(() => void answer(frame), 5);
      return true;
    },
  });
}

async function endCommand(api: TestApi, commandId: string, state: "done" | "refused" | "failed", removed?: string) {
  await api.store.write(async (db) => {
    const { commands, backups } = db.tables;
    const error =
      state === "done" ? null : { code: "FLOOR", message: "the host keeps its newest points", remedy: null };
    await db
      .update(commands)
      .set({ state, error, finishedAt: START })
      .where(eq(commands.commandId, commandId))
      .execute();
    if (removed !== undefined)
      await db
        .update(backups)
        .set({ removedAt: START, removedReason: "test" })
        .where(eq(backups.backupId, removed))
        .execute();
  });
}

describeApi("removing a backup", (api) => {
  it("is refused while others need it, whatever force says", async () => {
    const { full, increment, remove } = await world(api());
    for (const query of ["", "?force=true"]) {
      const reply = await remove(full, query);
      expect([reply.status, reply.body["code"], reply.body["details"]]).toEqual([409, "HAS_DEPENDENTS", increment]);
    }
    const audit = await api().get("/api/v1/audit?action=backups.delete&limit=1");
    expect(audit.body["entries"]).toMatchObject([{ outcome: "HAS_DEPENDENTS", subject: full }]);
  });

  it("is refused for what is pinned, the newest, or the last proven one", async () => {
    const { item, increment, newest, remove } = await world(api());
    expect((await remove(newest)).body).toMatchObject({ code: "PROTECTED", details: "the newest backup of its disk" });
    await seedVerification(api(), item.agentId, increment, "passed");
    await seedVerification(api(), item.agentId, newest, "failed");
    await seedDrill(api(), item.agentId, increment, "passed");
    expect((await remove(increment)).body["details"]).toBe(
      "the last one that was verified, the last one that was drilled",
    );
    const pinned = await seedBackup(api(), item, 2.5, { pinned: true });
    expect((await remove(pinned)).body["details"]).toBe("pinned");
    await seedVerification(api(), item.agentId, newest, "passed");
    await seedDrill(api(), item.agentId, newest, "passed");
    expect((await remove(increment)).status).toBe(202);
  });

  it("is accepted while the agent is away, once however often it is asked for", async () => {
    const { increment, remove } = await world(api());
    const first = await remove(increment);
    expect([first.status, first.body["deleted"]]).toEqual([202, false]);
    expect((await remove(increment)).body).toEqual(first.body);
    expect((await api().get(`/api/v1/backup/${increment}`)).status).toBe(200);
    expect((await api().get("/api/v1/commands")).body).toMatchObject({
      total: 1,
      commands: [{ kind: "backup.delete", state: "queued", arguments: { backup_ids: [increment] } }],
    });
  });

  it("is done when the agent has done it, and not before the row is gone", async () => {
    const { item, increment, full, remove } = await world(api());
    const gone = new Set([increment]);
    obedient(api(), item.agentId, async (frame) => {
      if (frame.type !== "command") return;
      const [id = ""] = frame.command.arguments["backup_ids"] as string[];
      await endCommand(api(), frame.command.command_id, "done", gone.has(id) ? id : undefined);
    });
    const done = await remove(increment);
    expect([done.status, done.body]).toEqual([
      200,
      { backup_id: increment, deleted: true, command_id: expect.any(String) },
    ]);
    expect((await remove(increment)).status).toBe(404);
    expect((await remove(full)).status).toBe(202);
  });

  it("says what the agent refused", async () => {
    const { item, increment, remove } = await world(api());
    obedient(api(), item.agentId, async (frame) => {
      if (frame.type === "command") await endCommand(api(), frame.command.command_id, "refused");
    });
    const reply = await remove(increment);
    expect([reply.status, reply.body["code"], reply.body["error"]]).toEqual([
      409,
      "PROTECTED",
      "the host keeps its newest points",
    ]);
  });

  it("forgets at once what was never made", async () => {
    const item = await seedItem(api());
    const failed = await seedBackup(api(), item, 1, { status: "failed" });
    expect((await api().call("DELETE", `/api/v1/backup/${failed}`)).body).toMatchObject({
      deleted: true,
      command_id: null,
    });
    expect((await api().get("/api/v1/backup/list")).body["total"]).toBe(0);
    expect((await api().get("/api/v1/commands")).body["total"]).toBe(0);
  });
});

describeApi("what is done with a backup", (api) => {
  const start = { vm_name: "web", backup_type: "full", repository_id: "main" };

  it("cancelling ends what nobody has begun, and asks who has", async () => {
    const { agentId } = await seedItem(api());
    const away = (await api().post("/api/v1/backup/start", start)).body["backup_id"];
    const ended = await api().post(`/api/v1/backup/${away}/cancel`);
    expect([ended.status, ended.body["status"], ended.body["error_code"]]).toEqual([200, "cancelled", "CANCELLED"]);
    const again = await api().post(`/api/v1/backup/${away}/cancel`);
    expect([again.status, again.body["code"]]).toEqual([409, "CONFLICT"]);
    const sent = api().connect(agentId);
    api().clock.now = new Date(START.getTime() + 1000);
    const there = await api().post("/api/v1/backup/start", start);
    const asked = await api().post(`/api/v1/backup/${there.body["backup_id"]}/cancel`);
    expect([asked.status, asked.body["status"]]).toEqual([202, "pending"]);
    expect(sent.at(-1)).toEqual({ type: "cancel", command_id: there.body["command_id"] });
    const own = await seedBackup(api(), { agentId, vmContextId: "web-1" }, 5, { status: "running" });
    expect((await api().post(`/api/v1/backup/${own}/cancel`)).status).toBe(409);
  });

  it("validating and drilling carry the digest that was first told", async () => {
    const item = await seedItem(api());
    const id = await seedBackup(api(), item, 0);
    const values = { repository_id: "main", backup_id: id, hash_map_sha256: "ab".repeat(32) };
    const verify = await api().post(`/api/v1/backup/${id}/validate`);
    expect([verify.status, verify.body]).toMatchObject([
      202,
      { kind: "verify.start", state: "queued", arguments: values },
    ]);
    const drill = await api().post("/api/v1/drills", { backup_id: id });
    expect([drill.status, drill.body]).toMatchObject([202, { kind: "drill.start", arguments: values }]);
    const call = { headers: { "idempotency-key": "same" } };
    const one = await api().post("/api/v1/drills", { backup_id: id }, call);
    expect((await api().post("/api/v1/drills", { backup_id: id }, call)).body).toEqual(one.body);
    expect((await api().post("/api/v1/drills", { backup_id: "../x" })).status).toBe(400);
    const failed = await seedBackup(api(), item, 1, { status: "failed" });
    expect((await api().post(`/api/v1/backup/${failed}/validate`)).status).toBe(409);
  });

  it("a pin is the agent's to set", async () => {
    const item = await seedItem(api());
    const id = await seedBackup(api(), item, 0);
    const reply = await api().post(`/api/v1/backup/${id}/pin`, { reason: "audit" });
    expect([reply.status, reply.body]).toMatchObject([
      202,
      { kind: "backup.pin", arguments: { pinned: true, reason: "audit" } },
    ]);
    obedient(api(), item.agentId, async (frame) => {
      if (frame.type !== "command") return;
      const pinned = frame.command.arguments["pinned"] === true;
      await api().store.write((db) => db.update(db.tables.backups).set({ pinned }).execute());
      await endCommand(api(), frame.command.command_id, "done");
    });
    expect((await api().post(`/api/v1/backup/${id}/pin`)).body).toMatchObject({ backup_id: id, pinned: true });
    expect((await api().post(`/api/v1/backup/${id}/unpin`)).body).toMatchObject({ backup_id: id, pinned: false });
  });

  it("what comes later says so", async () => {
    for (const path of ["/api/v1/backup/consolidate", "/api/v1/backup/backup-x-disk0-20260101-000000/copy"]) {
      const reply = await api().post(path, { repository_id: "x" });
      expect([reply.status, reply.body["code"]]).toEqual([422, "NOT_AVAILABLE"]);
    }
  });
});
