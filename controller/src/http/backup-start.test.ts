import { makeBackupId } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, START } from "./test-api.ts";
import { idsOf, seedBackup, seedItem, seedRun } from "./test-seeds.ts";

const start = { vm_name: "web", backup_type: "full", repository_id: "main" };

describeApi("starting a backup", (api) => {
  it("notes it as pending and asks the agent", async () => {
    const { agentId } = await seedItem(api());
    const sent = api().connect(agentId);
    const reply = await api().post("/api/v1/backup/start", { ...start, tags: { why: "test" }, policy_id: "daily" });
    const backup_id = makeBackupId("web", 0, START, () => false);
    expect([reply.status, reply.body]).toEqual([
      202,
      expect.objectContaining({ backup_id, status: "pending", disk_id: 0, tags: { why: "test" }, policy_id: "daily" }),
    ]);
    expect((await api().get(`/api/v1/backup/${backup_id}`)).body).toEqual(reply.body);
    const command = (await api().get(`/api/v1/commands/${reply.body["command_id"]}`)).body;
    expect(command).toMatchObject({ agent_id: agentId, kind: "backup.start", state: "sent", author: "token:admin" });
    expect(sent.at(-1)).toMatchObject({
      type: "command",
      command: { arguments: { backup_ids: { 0: backup_id }, disks: [0] } },
    });
    const audit = await api().get("/api/v1/audit?action=backups.start");
    expect(audit.body["entries"]).toMatchObject([
      { actor: "token:admin", outcome: "accepted", subject: `${agentId}/web-1` },
    ]);
  });

  it("of all disks is one moment, and waits for an agent that is away", async () => {
    await seedItem(api());
    const { status, body } = await api().post("/api/v1/backup/start", { ...start, disk_id: "all" });
    expect([status, body["restore_point_id"]]).toEqual([202, "restore-point-web-1-20260215-120000"]);
    expect(idsOf(body, "backups", "disk_id")).toEqual([0, 1]);
    expect(new Set(idsOf(body, "backups", "restore_point_id"))).toEqual(new Set([body["restore_point_id"]]));
    expect((await api().get("/api/v1/commands?state=queued")).body["total"]).toBe(1);
  });

  it("twice at once is done once", async () => {
    await seedItem(api());
    const replies = await Promise.all([1, 2, 3].map(() => api().post("/api/v1/backup/start", start)));
    expect(replies.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    const made = replies.find(({ status }) => status === 202)?.body["backup_id"];
    for (const { status, body } of replies)
      if (status === 409) expect(body).toMatchObject({ code: "ALREADY_RUNNING", details: made });
    expect((await api().get("/api/v1/backup/list")).body["total"]).toBe(1);
  });

  it("while the host itself is backing up is refused", async () => {
    const item = await seedItem(api());
    await seedRun(api(), item, "run-20260215-115900-backup-0123abcd", "running");
    const reply = await api().post("/api/v1/backup/start", start);
    expect(reply.body).toMatchObject({ code: "ALREADY_RUNNING", details: "run-20260215-115900-backup-0123abcd" });
  });

  it("with the same idempotency key gives the same backup, for another wish a conflict", async () => {
    await seedItem(api());
    const call = { headers: { "idempotency-key": "k1" } };
    const first = await api().post("/api/v1/backup/start", start, call);
    api().clock.now = new Date(START.getTime() + 5000);
    expect((await api().post("/api/v1/backup/start", start, call)).body).toEqual(first.body);
    const other = await api().post("/api/v1/backup/start", { ...start, backup_type: "incremental" }, call);
    expect([other.status, other.body["code"]]).toEqual([409, "CONFLICT"]);
  });

  it("takes another id than one that is known", async () => {
    const item = await seedItem(api());
    const taken = await seedBackup(api(), item, 0);
    expect((await api().post("/api/v1/backup/start", start)).body["backup_id"]).toBe(`${taken}-2`);
  });

  it("of a name that two agents have needs one more word", async () => {
    const one = await seedItem(api());
    const two = await seedItem(api(), "web", "web-2");
    const reply = await api().post("/api/v1/backup/start", start);
    expect([reply.status, reply.body["code"]]).toEqual([409, "AMBIGUOUS"]);
    for (const { agentId } of [one, two]) expect(reply.body["details"]).toContain(agentId);
    expect((await api().post("/api/v1/backup/start", { ...start, agent_id: two.agentId })).body).toMatchObject({
      vm_context_id: "web-2",
    });
    expect((await api().post("/api/v1/backup/start", { ...start, vm_context_id: "web-1" })).status).toBe(202);
  });

  it.each<[string, object, number, string]>([
    ["an unknown VM", { vm_name: "nope" }, 404, "NOT_FOUND"],
    ["an unknown repository", { repository_id: "nope" }, 404, "NOT_FOUND"],
    ["a disk that the item does not have", { disk_id: 7 }, 400, "VALIDATION_ERROR"],
    ["a disk of another kind", { disk_id: "some" }, 400, "VALIDATION_ERROR"],
    ["another type", { backup_type: "differential" }, 400, "VALIDATION_ERROR"],
    ["a repository id that climbs", { repository_id: "../etc" }, 400, "VALIDATION_ERROR"],
  ])("%s is refused", async (_what, change, status, code) => {
    await seedItem(api());
    const reply = await api().post("/api/v1/backup/start", { ...start, ...change });
    expect([reply.status, reply.body["code"]]).toEqual([status, code]);
    expect((await api().get("/api/v1/backup/list")).body["total"]).toBe(0);
  });

  it("of a revoked agent is refused, and its connection is ended", async () => {
    const { agentId } = await seedItem(api());
    const ended: string[] = [];
    api().links.add(agentId, { send: () => true, end: ({ code }) => ended.push(code) });
    expect((await api().post(`/api/v1/agents/${agentId}/revoke`, { reason: "stolen" })).body).toMatchObject({
      state: "revoked",
    });
    expect(ended).toEqual(["AGENT_REVOKED"]);
    const reply = await api().post("/api/v1/backup/start", start);
    expect([reply.status, reply.body["code"]]).toEqual([409, "AGENT_REVOKED"]);
  });
});
