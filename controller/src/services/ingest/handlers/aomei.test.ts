import { expect, it } from "vitest";
import { entry, GUID } from "../../aomei/test-aomei.ts";
import { AT } from "../test-events.ts";
import { emptyWork, tell } from "./test-work.ts";

const LOG = "C:\\ProgramData\\AomeiBR\\brlog.xml";

it("what a host tells of AOMEI reaches its rows: the task, its run once, the log's state and the image", () => {
  const work = emptyWork();
  const body = entry(AT);
  const source = {
    source: LOG,
    source_kind: "result_log" as const,
    state: "absent" as const,
    reason: "none",
    findings: [],
  };
  const image = {
    ...{ path: "D:\\a.adi", folder: "D:\\", image_kind: "adi" as const, task_guid: GUID, task_name: "System" },
    ...{ state: "complete" as const, reason: null, size_bytes: 5, modified_at: AT, checksum: "passed" as const },
    checked_at: AT,
  };
  const named = { task_guid: GUID, task_name: "System", previous_name: null, source: LOG, at: AT };
  const problems = tell(work, [
    { kind: "aomei_source_state", body: { ...source, at: AT } },
    { kind: "aomei_task_seen", body: named },
    { kind: "aomei_entry", body },
    { kind: "aomei_entry", body: { ...body, told_again: true } },
    { kind: "aomei_image", body: image },
  ]);
  expect(problems).toEqual([null, null, null, null, null]);
  expect([...work.aomei.jobs.all()]).toMatchObject([{ agentId: "a", taskGuid: GUID, taskName: "System" }]);
  expect([...work.aomei.runs.all()]).toMatchObject([{ status: "success" }]);
  expect([...work.aomei.sources.all()]).toMatchObject([{ source: LOG, state: "absent", reason: "none" }]);
  expect([...work.aomei.images.all()]).toMatchObject([{ path: "D:\\a.adi", state: "complete", jobId: 1 }]);
});

it("an entry that names no task is a problem, and kept as such", () => {
  const work = emptyWork();
  const body = entry(AT, { task_guid: null, task_name: null });
  expect(tell(work, [{ kind: "aomei_entry", body }])).toEqual([expect.stringMatching(/task/)]);
});
