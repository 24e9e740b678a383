import { expect, it } from "vitest";
import { fieldsOf, jobOf, newScript, runsOf } from "./test-aomei.ts";
import { describeApi } from "./test-api.ts";

const START_TIME = "2026-02-15T03:00:00";
const END_TIME = "2026-02-15T03:30:00";
const timed = { start_time: `${START_TIME}Z`, end_time: `${END_TIME}Z` };

describeApi("a script's status", (api) => {
  it.each([
    ["success", "success"],
    ["SUCCESS", "success"],
    ["Failed", "failed"],
    ["WARNING", "warning"],
    ["unknown", "warning"],
    ["UnKnOwN", "warning"],
  ])("%s is kept as %s", async (status, result) => {
    const script = await newScript(api());
    const jobId = await script.register();
    const reply = await script.status({ job_id: jobId, status });
    expect([reply.status, reply.body]).toEqual([200, { success: true, message: expect.any(String) }]);
    expect((await jobOf(api(), jobId))["latest_execution"]).toMatchObject({ result });
  });

  it("is stored with everything it says", async () => {
    const script = await newScript(api());
    const jobId = await script.register("System", { target_path: "D:\\Backups" });
    const facts = { backup_size: 5_497_558_138_880, duration: 1800, error_message: "2 files skipped" };
    const more = { task_name: "Another name", details: { log: "a.txt" }, storage_path: "\\\\nas\\images" };
    await script.status({ job_id: jobId, status: "warning", ...timed, ...facts, ...more });
    expect(await runsOf(api(), jobId)).toMatchObject([
      {
        result: "warning",
        start_time: "2026-02-15T03:00:00.000Z",
        end_time: "2026-02-15T03:30:00.000Z",
        date: "2026-02-15T03:30:00.000Z",
        ...{ size: 5_497_558_138_880, duration: 1800, error: "2 files skipped", details: { log: "a.txt" } },
        ...{ copy_type: "primary", media: "network_share", path: "\\\\nas\\images", task_name: "Another name" },
        told_by: { script: "warning", log: null },
      },
    ]);
    expect((await jobOf(api(), jobId))["job_name"]).toBe("System");
  });

  it("as older PowerShell writes it: numbers as text, nothing as null or empty, fields that nobody knows", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    const odd = { backup_size: "1024", duration: "12.5", error_message: null, task_name: "", start_time: "" };
    const reply = await script.status({ job_id: String(jobId), status: "success", ...odd, details: "", host: "PC-7" });
    expect(reply.status).toBe(200);
    expect(await runsOf(api(), jobId)).toMatchObject([
      { size: 1024, duration: 12.5, error: null, start_time: null, end_time: null, details: null },
    ]);
  });

  it.each<[string, object, string[]]>([
    ["nothing", {}, ["job_id", "status"]],
    ["an unknown status", { job_id: 1, status: "completed" }, ["status"]],
    ["a negative job", { job_id: -1, status: "success" }, ["job_id"]],
    ["half a job", { job_id: 1.5, status: "success" }, ["job_id"]],
    ["negative numbers", { job_id: 1, status: "success", backup_size: -1, duration: -1 }, ["backup_size", "duration"]],
    ["a time that is none", { job_id: 1, status: "success", start_time: "yesterday" }, ["start_time"]],
    ["30 February", { job_id: 1, status: "success", end_time: "2026-02-30T00:00:00" }, ["end_time"]],
    ["an unknown copy", { job_id: 1, status: "success", copy_type: "third" }, ["copy_type"]],
    [
      "long texts",
      { job_id: 1, status: "success", task_name: "x".repeat(201), storage_path: "x".repeat(501) },
      ["task_name", "storage_path"],
    ],
    ["long details", { job_id: 1, status: "success", details: "x".repeat(70_000) }, ["details"]],
    [
      "an end before its start",
      { job_id: 1, status: "success", start_time: `${END_TIME}Z`, end_time: `${START_TIME}Z` },
      ["end_time"],
    ],
  ])("%s is refused, and nothing is stored", async (_what, body, fields) => {
    const script = await newScript(api());
    await script.register();
    const reply = await script.status(body);
    expect([reply.status, reply.body["code"], fieldsOf(reply)]).toEqual([400, "VALIDATION_ERROR", fields]);
    expect(await runsOf(api(), 1)).toEqual([]);
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_invalid_reports_total: 1 });
  });

  it("is read in the zone of its key where it names none", async () => {
    const script = await newScript(api(), { zone: "Europe/Berlin" });
    const jobId = await script.register();
    await script.status({ job_id: jobId, status: "success", start_time: START_TIME, end_time: `${END_TIME}+05:30` });
    const [run] = await runsOf(api(), jobId);
    expect(run).toBeUndefined();
    await script.status({ job_id: jobId, status: "success", start_time: START_TIME, end_time: END_TIME });
    expect(await runsOf(api(), jobId)).toMatchObject([
      { start_time: "2026-02-15T02:00:00.000Z", end_time: "2026-02-15T02:30:00.000Z" },
    ]);
  });

  it("of a job that is not known is 404, counted and in the audit", async () => {
    const script = await newScript(api());
    const reply = await script.status({ job_id: 7, status: "success" });
    expect([reply.status, reply.body["code"]]).toEqual([404, "JOB_NOT_FOUND"]);
    expect((await api().get("/api/v1/aomei/jobs/7")).body).toMatchObject({ code: "JOB_NOT_FOUND" });
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_missing_jobs_total: 2 });
    const audit = await api().get("/api/v1/audit?action=aomei.report");
    expect(audit.body["entries"]).toMatchObject([
      { outcome: "JOB_NOT_FOUND", actor: expect.stringMatching(/^api-key:/) },
    ]);
  });

  it("is all or nothing: what fails in its midst leaves no trace", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    const { write } = api().store;
    // The audit's entry is the last write of the transaction.
    Object.assign(api().context.store, {
      write: <T>(work: (db: never) => Promise<T>) =>
        write(async (db) => {
          const result = await work(db as never);
          throw Object.assign(new Error("the disk went away"), { result });
        }),
    });
    const reply = await script.status({ job_id: jobId, status: "success", ...timed });
    Object.assign(api().context.store, { write });
    expect([reply.status, reply.body["code"]]).toEqual([500, "INTERNAL_ERROR"]);
    expect(reply.text).not.toContain("disk");
    const counted = await api().store.read(async (db) => ({
      runs: await db.$count(db.tables.aomeiRuns),
      reports: await db.$count(db.tables.aomeiReports),
      copies: await db.$count(db.tables.aomeiCopies),
    }));
    expect(counted).toEqual({ runs: 0, reports: 0, copies: 0 });
    expect(await jobOf(api(), jobId)).toMatchObject({ latest_execution: null });
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_transaction_failures_total: 1 });
  });

  it("is in the audit when it changed something", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    for (const _ of [1, 2]) await script.status({ job_id: jobId, status: "success", ...timed });
    const { body } = await api().get("/api/v1/audit?action=aomei.report");
    expect(body["entries"]).toMatchObject([{ subject: String(jobId), outcome: "done" }]);
  });
});
