import { expect, it } from "vitest";
import { entry, GUID, tellEntries } from "../services/aomei/test-aomei.ts";
import { jobOf, newScript, runsOf } from "./test-aomei.ts";
import { describeApi, START, type TestApi } from "./test-api.ts";
import type { Json } from "./test-client.ts";

const at = (second: number, day = 14) => new Date(Date.UTC(2026, 1, day, 3) + second * 1000).toISOString();
const tell = (api: TestApi, agentId: string, ...times: string[]) =>
  tellEntries(
    api.store,
    agentId,
    times.map((time) => entry(time)),
    api.clock.now,
  );

describeApi("a script's job and a host's task", (api) => {
  it("of one name on one host are one job, the script first", async () => {
    const agentId = await api().agent("pc");
    const script = await newScript(api(), { agentId });
    const job_id = await script.register();
    await script.status({ job_id, status: "unknown", end_time: at(60), backup_size: 500, duration: 90 });
    await tell(api(), agentId, at(0), at(0, 15));
    expect(await jobOf(api(), job_id)).toMatchObject({ task_guid: GUID, agent_id: agentId, job_name: "System" });
    expect(await runsOf(api(), job_id)).toMatchObject([
      { date: at(0, 15), told_by: { script: null, log: "success" }, size: null, duration: null },
      { date: at(0), result: "success", size: 500, duration: 90, told_by: { script: "unknown", log: "success" } },
    ]);
  });

  it("of one name on one host are one job, the log first", async () => {
    const agentId = await api().agent("pc");
    await tell(api(), agentId, at(0));
    const script = await newScript(api(), { agentId });
    const job_id = await script.register("System", { target_path: "D:\\Images" });
    expect(job_id).toBe(1);
    await script.status({ job_id, status: "failed", end_time: at(-120), error_message: "no copy" });
    await script.status({ job_id, status: "success", end_time: at(-121) });
    expect(await runsOf(api(), job_id)).toMatchObject([
      { result: "failed", error: "no copy", told_by: { script: "failed", log: "success" }, media: "disk" },
      { result: "success", date: at(-121), told_by: { script: "success", log: null } },
    ]);
    expect(await script.register("System")).toBe(1);
  });

  it("stay two when the key is for no host, until a person links them", async () => {
    const agentId = await api().agent("pc");
    const script = await newScript(api());
    const job_id = await script.register("Nightly");
    await script.status({ job_id, status: "success", end_time: at(30), storage_path: "D:\\A", backup_size: 5 });
    await script.status({ job_id, status: "success", end_time: at(0, 13) });
    await tell(api(), agentId, at(0), at(0, 15));
    const task_job_id = 2;
    expect(await runsOf(api(), task_job_id)).toHaveLength(2);
    const linked = await api().post(`/api/v1/aomei/jobs/${job_id}/link`, { task_job_id });
    expect(linked.body["data"]).toMatchObject({ job_id, agent_id: agentId, task_guid: GUID, job_name: "System" });
    expect((await runsOf(api(), job_id)).map(({ date, told_by }) => [date, told_by])).toEqual([
      [at(0, 15), { script: null, log: "success" }],
      [at(0), { script: "success", log: "success" }],
      [at(0, 13), { script: "success", log: null }],
    ]);
    expect(linked.body["data"]).toMatchObject({ copies: [{ media: "disk", last_backup: at(0, 15) }] });
    expect(await jobOf(api(), task_job_id)).toEqual(await jobOf(api(), job_id));
    await tell(api(), agentId, at(0, 12), at(0));
    expect((await script.status({ job_id: task_job_id, status: "success", end_time: at(5, 12) })).status).toBe(200);
    expect(await runsOf(api(), job_id)).toHaveLength(4);
    expect((await api().get("/api/v1/aomei/jobs?active_only=false")).body).toMatchObject({ total: 1 });
    const again = await api().post(`/api/v1/aomei/jobs/${job_id}/link`, { task_job_id });
    expect([again.status, again.body["code"]]).toEqual([409, "CONFLICT"]);
  });

  it("cannot be linked when neither, or both, have a log", async () => {
    const [agentId, other] = [await api().agent("pc"), await api().agent("other")];
    const script = await newScript(api(), { agentId: other });
    const [a, b] = [await script.register("A"), await script.register("B")];
    await tell(api(), agentId, at(0));
    const link = async (one: number, task_job_id: number) => {
      const { status, body } = await api().post(`/api/v1/aomei/jobs/${one}/link`, { task_job_id });
      return [status, body["code"]];
    };
    expect(await link(a, b)).toEqual([409, "CONFLICT"]);
    expect(await link(a, 3)).toEqual([409, "CONFLICT"]);
    expect(await link(a, 99)).toEqual([404, "JOB_NOT_FOUND"]);
  });
});

describeApi("jobs", (api) => {
  it("are listed newest first, page by page, active ones unless all are asked for", async () => {
    const script = await newScript(api());
    for (const name of ["a", "b", "c"]) {
      await script.register(name);
      api().clock.now = new Date(api().clock.now.getTime() + 1000);
    }
    const change = await api().call("PATCH", "/api/v1/aomei/jobs/2", { body: { is_active: false } });
    expect(change.body["data"]).toMatchObject({ is_active: false });
    const names = async (query: string) => {
      const { body } = await api().get(`/api/v1/aomei/jobs?${query}`);
      return [(body["data"] as Json[]).map(({ job_name }) => job_name), body["total"], body["next_cursor"]];
    };
    expect(await names("")).toEqual([["c", "a"], 2, null]);
    expect(await names("active_only=False")).toEqual([["c", "b", "a"], 3, null]);
    const [first, total, cursor] = await names("active_only=0&limit=2");
    expect([first, total]).toEqual([["c", "b"], 3]);
    expect(await names(`active_only=0&limit=2&cursor=${cursor}`)).toEqual([["a"], 3, null]);
    expect((await api().get("/api/v1/aomei/jobs?active_only=maybe")).status).toBe(400);
    const [job] = (await api().get("/api/v1/aomei/jobs")).body["data"] as Json[];
    expect(job).not.toHaveProperty("executions");
    expect((await api().get("/api/v1/aomei/jobs/x")).body["code"]).toBe("VALIDATION_ERROR");
  });

  it("learn their interval from five entries, and a person knows better", async () => {
    const agentId = await api().agent("pc");
    const expectation = async () => (await jobOf(api(), 1))["expectation"] as Json;
    await tell(api(), agentId, at(0, 11), at(0, 12), at(0, 13), at(0, 14));
    expect(await expectation()).toMatchObject({ state: "none_yet", says: "no expectation yet" });
    await tell(api(), agentId, at(0, 15));
    expect(await expectation()).toMatchObject({ state: "on_time", origin: "learned", interval_seconds: 86_400 });
    expect((await api().get("/api/v1/aomei/jobs")).body["data"]).toMatchObject([{ schedule_type: "daily" }]);
    api().clock.now = new Date(START.getTime() + 2 * 86_400_000);
    expect(await expectation()).toMatchObject({ state: "late", due_at: "2026-02-16T09:00:00.000Z" });
    const change = async (body: object) => {
      const reply = await api().call("PATCH", "/api/v1/aomei/jobs/1", { body });
      return [reply.status, ((reply.body["data"] ?? {}) as Json)["expectation"]];
    };
    const weekly = { origin: "set", interval_seconds: 604_800, state: "on_time" };
    expect(await change({ expected_interval_seconds: 604_800 })).toMatchObject([200, weekly]);
    expect(await change({ expectation: "none" })).toMatchObject([200, { state: "none" }]);
    expect(await change({ expectation: "set" })).toMatchObject([400, undefined]);
    expect(await change({ expectation: "learned", expected_interval_seconds: 60 })).toMatchObject([400, undefined]);
    expect(await change({ expectation: "learned" })).toMatchObject([200, { state: "late", origin: "learned" }]);
    const { body } = await api().get("/api/v1/audit?action=aomei.change");
    expect(body["entries"]).toHaveLength(5);
  });

  it("say that nothing of AOMEI can be drilled", async () => {
    const jobId = await (await newScript(api())).register();
    expect(await jobOf(api(), jobId)).toMatchObject({
      latest_execution: null,
      copies: [],
      drill: { state: "unproven", reason: expect.stringMatching(/cannot be restored/) },
    });
  });
});
