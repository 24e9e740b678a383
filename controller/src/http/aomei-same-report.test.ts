import { expect, it } from "vitest";
import { jobOf, newScript, runsOf } from "./test-aomei.ts";
import { describeApi, START } from "./test-api.ts";

const timed = { start_time: "2026-02-15T03:00:00Z", end_time: "2026-02-15T03:30:00Z" };
const later = (seconds: number) => new Date(START.getTime() + seconds * 1000);

describeApi("the same report again", (api) => {
  type Twice = [string, object, Record<string, string>, object, Record<string, string>, number, number];
  const body = { status: "success", backup_size: 10 };
  const key = (text: string) => ({ "idempotency-key": text });
  it.each<Twice>([
    ["the same times and status", { ...body, ...timed }, {}, { ...body, ...timed }, {}, 90_000, 1],
    ["the same times, another size", { ...body, ...timed }, {}, { ...timed, status: "success" }, {}, 0, 1],
    ["the same times, another status", { ...body, ...timed }, {}, { ...timed, status: "failed" }, {}, 0, 2],
    ["another end", { ...body, ...timed }, {}, { ...body, ...timed, end_time: "2026-02-15T03:31:00Z" }, {}, 0, 2],
    ["another start", { ...body, ...timed }, {}, { ...body, ...timed, start_time: "2026-02-15T03:01:00Z" }, {}, 0, 2],
    [
      "the same times of another copy",
      { ...body, ...timed },
      {},
      { ...body, ...timed, copy_type: "offsite" },
      {},
      0,
      2,
    ],
    [
      "only a start",
      { ...body, start_time: timed.start_time },
      {},
      { ...body, start_time: timed.start_time },
      {},
      999,
      1,
    ],
    [
      "the same moment in another zone",
      { ...body, ...timed },
      {},
      { ...body, start_time: "2026-02-15T04:00:00+01:00", end_time: "2026-02-15T04:30:00+01:00" },
      {},
      0,
      1,
    ],
    ["no time, at once", body, {}, body, {}, 0, 1],
    ["no time, 60 s later", body, {}, body, {}, 60, 1],
    ["no time, 61 s later", body, {}, body, {}, 61, 2],
    ["no time, another body", body, {}, { ...body, backup_size: 11 }, {}, 0, 2],
    ["no time, one key, much later", body, key("a"), body, key("a"), 90_000, 1],
    ["no time, two keys, at once", body, key("a"), body, key("b"), 0, 2],
    ["the same times, two keys", { ...body, ...timed }, key("a"), { ...body, ...timed }, key("b"), 0, 1],
  ])("%s", async (_what, first, firstHeaders, second, secondHeaders, seconds, runs) => {
    const script = await newScript(api());
    const jobId = await script.register();
    expect((await script.status({ job_id: jobId, ...first }, firstHeaders)).status).toBe(200);
    api().clock.now = later(seconds);
    expect((await script.status({ job_id: jobId, ...second }, secondHeaders)).status).toBe(200);
    expect(await runsOf(api(), jobId)).toHaveLength(runs);
    expect(api().context.counters.values()).toMatchObject({
      holdfast_aomei_reports_total: runs,
      holdfast_aomei_repeated_reports_total: 2 - runs,
    });
  });

  it("sent ten times at the same moment is one run", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => script.status({ job_id: jobId, ...body }, key("k"))),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(await runsOf(api(), jobId)).toHaveLength(1);
  });

  it("with a key that came with another report is refused", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    await script.status({ job_id: jobId, ...body }, key("k"));
    const reply = await script.status({ job_id: jobId, status: "failed" }, key("k"));
    expect([reply.status, reply.body["code"]]).toEqual([400, "STATUS_UPDATE_FAILED"]);
    const parsed = { log_file_path: "C:\\x.log", parsed_data: { status: "failed" } };
    const analysis = await script.post("/log-analysis", { job_id: jobId, ...parsed }, key("k"));
    expect([analysis.status, analysis.body["code"]]).toEqual([400, "LOG_ANALYSIS_FAILED"]);
    expect((await script.status({ job_id: jobId, ...body }, key("k y"))).body["code"]).toBe("VALIDATION_ERROR");
    const other = await newScript(api());
    expect((await other.status({ job_id: jobId, status: "failed" }, key("k"))).status).toBe(200);
    expect(await runsOf(api(), jobId)).toHaveLength(2);
  });
});

describeApi("copies", (api) => {
  it("are told apart by kind and medium, and only a good run moves the last good one", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    const day = (number: number) => `2026-02-0${number}T03:00:00Z`;
    const tell = (end_time: string, more: object) => script.status({ job_id: jobId, end_time, ...more });
    const disk = { storage_path: "D:\\Images", backup_size: 100 };
    await tell(day(2), { status: "success", ...disk });
    await tell(day(3), { status: "failed", ...disk, backup_size: 3, storage_path: "D:\\Broken" });
    await tell(day(1), { status: "success", ...disk, backup_size: 50 });
    await tell(day(4), { status: "success", storage_path: "\\\\nas\\x", backup_size: 7 });
    await tell(day(5), { status: "unknown", copy_type: "offsite", storage_path: "s3://b/x", backup_size: 7 });
    expect((await jobOf(api(), jobId))["copies"]).toEqual([
      { type: "offsite", media: "cloud", status: "warning", last_backup: null, size: null, path: null },
      {
        ...{ type: "primary", media: "disk", status: "failed", size: 100, path: "D:\\Images" },
        last_backup: "2026-02-02T03:00:00.000Z",
      },
      {
        ...{ type: "primary", media: "network_share", status: "success", size: 7, path: "\\\\nas\\x" },
        last_backup: "2026-02-04T03:00:00.000Z",
      },
    ]);
    expect((await jobOf(api(), jobId))["latest_execution"]).toMatchObject({ date: "2026-02-04T03:00:00.000Z" });
  });

  it("of unknown medium belong to the one that becomes known", async () => {
    const script = await newScript(api());
    const jobId = await script.register();
    await script.status({ job_id: jobId, status: "success", end_time: "2026-02-01T03:00:00Z" });
    expect((await jobOf(api(), jobId))["copies"]).toMatchObject([{ media: "unknown" }]);
    await script.status({ job_id: jobId, status: "failed", end_time: "2026-02-02T03:00:00Z", media: "tape" });
    await script.status({ job_id: jobId, status: "warning", end_time: "2026-02-03T03:00:00Z" });
    expect((await jobOf(api(), jobId))["copies"]).toMatchObject([
      { media: "tape", status: "warning", last_backup: "2026-02-01T03:00:00.000Z" },
    ]);
  });
});
