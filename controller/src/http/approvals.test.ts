import { expect, it } from "vitest";
import { SECOND_PERSON } from "../services/approvals/second-person.ts";
import { openDelivery } from "../services/commands/delivery.ts";
import { expireCommands } from "../services/commands/expire-commands.ts";
import { putSetting } from "../store/settings.ts";
import { describeApi, START, type TestApi } from "./test-api.ts";
import { seedBackup, seedItem } from "./test-seeds.ts";

/** A backup whose removal waits for a second person, and somebody who could be it. */
async function world(api: TestApi) {
  await api.store.write((db) => putSetting(db, SECOND_PERSON, ["backup.delete"]));
  const item = await seedItem(api);
  const id = await seedBackup(api, item, 0);
  await seedBackup(api, item, 1, { chainNumber: 2 });
  const sent = api.connect(item.agentId);
  const asked = await api.call("DELETE", `/api/v1/backup/${id}`);
  const commandId = String(asked.body["command_id"]);
  const other = await api.key(["read", "delete"]);
  const at = `/api/v1/commands/${commandId}`;
  return { ...item, id, sent, asked, commandId, other, at };
}

describeApi("a second person", (api) => {
  it("is waited for: nothing goes to the host before, not even when it comes back, and everything after", async () => {
    const { sent, asked, commandId, other, at, agentId } = await world(api());
    expect([asked.status, asked.body["deleted"]]).toEqual([202, false]);
    await api().context.delivery.queued(agentId);
    await openDelivery({ ...api().context, links: api().links }).connected(agentId);
    expect(sent).toEqual([]);
    expect((await api().get(at)).body).toMatchObject({
      state: "queued",
      sent_at: null,
      approval: { state: "needed", by: null },
    });
    const waiting = await api().get("/api/v1/commands/approvals");
    expect(waiting.body).toMatchObject({ total: 1, commands: [{ command_id: commandId, author: "token:admin" }] });
    const approved = await api().post(`${at}/approve`, { reason: "seen" }, { as: other });
    expect([approved.status, approved.body["approval"]]).toMatchObject([202, { state: "approved", reason: "seen" }]);
    expect(sent).toMatchObject([{ type: "command", command: { command_id: commandId } }]);
    expect((await api().post(`${at}/approve`, {}, { as: other })).status).toBe(409);
    expect((await api().get("/api/v1/commands/approvals")).body).toMatchObject({ total: 0 });
    expect((await api().get("/api/v1/commands/approvals?state=approved")).body).toMatchObject({ total: 1 });
    const audit = await api().get("/api/v1/audit?action=commands.approve&limit=2");
    expect(audit.body["entries"]).toMatchObject([
      { outcome: "CONFLICT" },
      { outcome: "done", subject: commandId, details: { decision: "approved" } },
    ]);
  });

  it("is neither the author nor somebody without the scope or of another host", async () => {
    const { at } = await world(api());
    const own = await api().post(`${at}/approve`, {});
    expect([own.status, own.body["error"]]).toEqual([403, expect.stringMatching(/another person does/)]);
    expect((await api().post(`${at}/approve`, {}, { as: await api().key(["read", "operate"]) })).status).toBe(403);
    const stranger = await api().key(["delete"], await api().agent("other"));
    expect((await api().post(`${at}/approve`, {}, { as: stranger })).status).toBe(404);
    expect((await api().get(at)).body).toMatchObject({ state: "queued", approval: { state: "needed" } });
  });

  it("is no key that came of the one that asked, and none that was made for it since", async () => {
    const { agentId, id } = await world(api());
    const asking = async (as: string) => {
      await api().store.write((db) => db.update(db.tables.commands).set({ state: "done" }).execute());
      const { body } = await api().call("DELETE", `/api/v1/backup/${id}`, { as });
      return `/api/v1/commands/${body["command_id"]}/approve`;
    };
    const made = async (scopes: string[]) => (await api().post("/api/v1/api-keys", { name: "k", scopes })).body;
    const old = await made(["read", "delete"]);
    const at = await asking(String(old["key"]));
    const fresh = await api().post(`/api/v1/api-keys/${old["key_id"]}/rotate`, { overlap_seconds: 3600 });
    expect(fresh.status).toBe(201);
    const rotated = await api().post(at, {}, { as: String(fresh.body["key"]) });
    expect([rotated.status, rotated.body["error"]]).toEqual([
      403,
      expect.stringMatching(/replaced the one that asked/),
    ]);
    const before = await made(["delete"]);
    api().clock.now = new Date(START.getTime() + 1000);
    const own = await asking(api().admin);
    api().clock.now = new Date(START.getTime() + 2000);
    const since = await made(["delete"]);
    expect((await api().post(own, {}, { as: String(since["key"]) })).status).toBe(403);
    expect((await api().post(own, {}, { as: String(before["key"]) })).status).toBe(202);
    expect(agentId).not.toBe("");
  });

  it("may say no, which ends the command", async () => {
    const { sent, other, at, id, agentId } = await world(api());
    expect((await api().post(`${at}/reject`, {}, { as: other })).status).toBe(400);
    const rejected = await api().post(`${at}/reject`, { reason: "still needed" }, { as: other });
    expect([rejected.status, rejected.body]).toMatchObject([
      200,
      { state: "refused", error: { code: "REJECTED" }, approval: { state: "rejected", reason: "still needed" } },
    ]);
    await api().context.delivery.queued(agentId);
    expect(sent).toEqual([]);
    expect((await api().get(`/api/v1/backup/${id}`)).status).toBe(200);
  });

  it("cannot approve what is over, nor what needs nobody", async () => {
    const { other, at, agentId } = await world(api());
    const plain = await api().post("/api/v1/commands", { agent_id: agentId, kind: "agent.diagnose" });
    expect(plain.body["approval"]).toBeNull();
    expect((await api().post(`/api/v1/commands/${plain.body["command_id"]}/approve`, {}, { as: other })).status).toBe(
      409,
    );
    api().clock.now = new Date(START.getTime() + 25 * 3_600_000);
    expect((await api().post(`${at}/approve`, {}, { as: other })).status).toBe(409);
    await expireCommands(api().context);
    expect((await api().get(at)).body).toMatchObject({ state: "expired" });
    expect((await api().get("/api/v1/commands/approvals")).body).toMatchObject({ total: 0 });
  });
});

describeApi("kinds of commands", (api) => {
  it("are offered when there is a part that does them, with the scope that they need", async () => {
    await api().store.write((db) => putSetting(db, SECOND_PERSON, ["backup.delete"]));
    const { body } = await api().get("/api/v1/commands/kinds");
    const kinds = body["kinds"] as { kind: string }[];
    expect(kinds.map(({ kind }) => kind)).not.toContain("restore.start");
    expect(kinds).toContainEqual({
      ...{ kind: "backup.delete", scope: "delete", destructive: true, second_person: true },
      endpoint: "DELETE /api/v1/backup/{backup_id}",
    });
  });

  it("those that no part does yet are known, and refused", async () => {
    const agent_id = await api().agent();
    for (const kind of ["chain.consolidate", "copy.start", "restore.browse", "restore.start", "agent.update"]) {
      const reply = await api().post("/api/v1/commands", { agent_id, kind });
      expect([reply.status, reply.body["code"]]).toEqual([422, "NOT_AVAILABLE"]);
    }
    expect((await api().get("/api/v1/commands")).body).toMatchObject({ total: 0 });
  });

  it("policy.reload goes to the agent; backup.cancel ends the command of a backup, and no other", async () => {
    const item = await seedItem(api());
    const reload = await api().post("/api/v1/commands", { agent_id: item.agentId, kind: "policy.reload" });
    expect([reload.status, reload.body]).toMatchObject([202, { kind: "policy.reload", state: "queued" }]);
    const start = { vm_name: "web", backup_type: "full", repository_id: "main" };
    const backup = await api().post("/api/v1/backup/start", start);
    const { body } = await api().get("/api/v1/commands?kind=backup.start");
    const [command] = body["commands"] as { command_id: string }[];
    const cancel = { agent_id: item.agentId, kind: "backup.cancel" };
    expect((await api().post("/api/v1/commands", cancel)).status).toBe(400);
    const wrong = { ...cancel, command_id: reload.body["command_id"] };
    expect((await api().post("/api/v1/commands", wrong)).status).toBe(404);
    const done = await api().post("/api/v1/commands", { ...cancel, command_id: command?.command_id });
    expect([done.status, done.body]).toMatchObject([202, { kind: "backup.start", state: "cancelled" }]);
    expect((await api().get(`/api/v1/backup/${backup.body["backup_id"]}`)).body).toMatchObject({ status: "cancelled" });
  });
});
