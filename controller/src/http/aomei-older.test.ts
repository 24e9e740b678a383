import { expect, it } from "vitest";
import { fieldsOf, jobOf, newScript, runsOf } from "./test-aomei.ts";
import { describeApi, START } from "./test-api.ts";
import type { Json } from "./test-client.ts";

describeApi("older scripts", (api) => {
  const post = (path: string, key: string, body: object) => api().post(`/api/backup/${path}`, body, { as: key });

  it("tell of a run that has just ended", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const body = { job_id, status: "Success", backup_size: 9, duration_seconds: 60, error_message: "" };
    const reply = await post("update-status", script.key, body);
    expect([reply.status, reply.body]).toEqual([200, { success: true, message: expect.any(String) }]);
    expect(await post("update-status", script.key, body)).toMatchObject({ status: 200 });
    expect(await runsOf(api(), job_id)).toMatchObject([
      { date: START.toISOString(), result: "success", size: 9, duration: 60, copy_type: "primary", error: null },
    ]);
  });

  it("tell of a second copy, which is not the backup", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    await post("update-status", script.key, { job_id, status: "failed", error_message: "disk full" });
    const copy = { job_id, status: "success", copy_size: 7, duration_seconds: 5, error_message: null };
    expect((await post("update-copy-status", script.key, copy)).status).toBe(200);
    const job = await jobOf(api(), job_id);
    expect(job["latest_execution"]).toMatchObject({ result: "failed", error: "disk full" });
    expect(job["copies"]).toMatchObject([
      { type: "primary", status: "failed", last_backup: null },
      { type: "secondary", status: "success", size: 7 },
    ]);
  });

  it("tell of a run with its times", async () => {
    const script = await newScript(api(), { zone: "Europe/Berlin" });
    const job_id = await script.register();
    const times = { start_time: "2026-02-15T03:00:00", end_time: "2026-02-15T03:30:00" };
    const body = { job_id, ...times, status: "warning", backup_size: 9, details: "some files" };
    for (const _ of [1, 2]) expect((await post("record-execution", script.key, body)).status).toBe(200);
    expect(await runsOf(api(), job_id)).toMatchObject([
      { start_time: "2026-02-15T02:00:00.000Z", end_time: "2026-02-15T02:30:00.000Z", size: 9, details: "some files" },
    ]);
  });

  it.each(["update-status", "update-copy-status", "record-execution"])("%s says what is wrong", async (path) => {
    const { key } = await newScript(api());
    const wrong = await post(path, key, { status: "done" });
    expect([wrong.status, wrong.body["code"], fieldsOf(wrong)]).toEqual([
      400,
      "VALIDATION_ERROR",
      ["job_id", "status"],
    ]);
    const missing = await post(path, key, { job_id: 9, status: "success" });
    expect([missing.status, missing.body["code"]]).toEqual([404, "JOB_NOT_FOUND"]);
  });
});

describeApi("a script that has read a log", (api) => {
  it("is checked as a status is", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const post = (body: object) => script.post("/log-analysis", { job_id, log_file_path: "C:\\a.log", ...body });
    const wrong = await post({ parsed_data: { status: "done", duration: -1, start_time: "x" }, log_file_path: "" });
    expect(fieldsOf(wrong).sort()).toEqual([
      "log_file_path",
      "parsed_data.duration",
      "parsed_data.start_time",
      "parsed_data.status",
    ]);
    expect(fieldsOf(await post({}))).toEqual(["parsed_data"]);
    const times = { start_time: "2026-02-15T03:30:00Z", end_time: "2026-02-15T03:00:00Z" };
    expect(fieldsOf(await post({ parsed_data: { status: "failed", ...times } }))).toEqual(["parsed_data.end_time"]);
    expect(await runsOf(api(), job_id)).toEqual([]);
  });

  it("tells of the same run as its status did", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const told = { status: "failed", start_time: "2026-02-15T03:00:00Z", end_time: "2026-02-15T03:30:00Z" };
    const parsed_data = { ...told, error_message: "code 4103", details: "Failed to write file." };
    const reply = await script.post("/log-analysis", { job_id, log_file_path: "C:\\a.log", parsed_data });
    expect(reply.status).toBe(200);
    await script.status({ job_id, ...told });
    expect(await runsOf(api(), job_id)).toMatchObject([
      { error: "code 4103", details: { log_file_path: "C:\\a.log", details: "Failed to write file." } },
    ]);
    const missing = await script.post("/log-analysis", { job_id: 9, log_file_path: "x", parsed_data });
    expect(missing.body["code"]).toBe("JOB_NOT_FOUND");
  });
});

describeApi("many statuses at once", (api) => {
  it("are taken or refused each on its own", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const end = (minute: number) => ({ end_time: `2026-02-15T03:0${minute}:00Z` });
    const statuses = [
      { job_id, status: "success", ...end(1) },
      { job_id, status: "done" },
      { job_id: 99, status: "success" },
      "nonsense",
      { job_id, status: "FAILED", ...end(2) },
      { job_id, status: "success", ...end(1) },
    ];
    const reply = await script.post("/status/batch", { statuses }, { "idempotency-key": "night" });
    expect(reply.body).toMatchObject({ success: false, applied: 3, refused: 3 });
    const results = reply.body["results"] as Json[];
    expect(results.map(({ index, success, code }) => [index, success, code])).toEqual([
      [0, true, undefined],
      [1, false, "VALIDATION_ERROR"],
      [2, false, "JOB_NOT_FOUND"],
      [3, false, "VALIDATION_ERROR"],
      [4, true, undefined],
      [5, true, undefined],
    ]);
    expect(results[1]).toMatchObject({ fields: [{ path: "status" }] });
    await script.post("/status/batch", { statuses }, { "idempotency-key": "night" });
    expect(await runsOf(api(), job_id)).toHaveLength(2);
    const { body } = await api().get("/api/v1/audit?action=aomei.report");
    const outcomes = (body["entries"] as Json[]).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(2);
    expect(new Set(outcomes)).toEqual(new Set(["done", "VALIDATION_ERROR", "JOB_NOT_FOUND"]));
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_invalid_reports_total: 4 });
  });

  it("are at most 500", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const some = (length: number) =>
      Array.from({ length }, (_, backup_size) => ({ job_id, status: "success", backup_size }));
    expect((await script.post("/status/batch", { statuses: some(501) })).body["code"]).toBe("VALIDATION_ERROR");
    expect((await script.post("/status/batch", { statuses: [] })).body["code"]).toBe("VALIDATION_ERROR");
    expect((await script.post("/status/batch", { statuses: some(500) })).body).toMatchObject({ applied: 500 });
  });
});
