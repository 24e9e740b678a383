import { expect, it } from "vitest";
import { rotateApiKey } from "../services/api-keys/rotate.ts";
import { fieldsOf, jobOf, newScript, scriptWith } from "./test-aomei.ts";
import { describeApi, testCaller } from "./test-api.ts";
import type { Json } from "./test-client.ts";

describeApi("registering a job", (api) => {
  const listed = async () => (await api().get("/api/v1/aomei/jobs?active_only=false")).body["data"] as Json[];

  it("makes one with the defaults of the contract", async () => {
    const script = await newScript(api());
    const reply = await script.post("/register", { task_name: "System" });
    expect([reply.status, reply.body]).toEqual([
      200,
      { success: true, message: expect.any(String), data: { job_id: 1, job_name: "System", backup_tool: "aomei" } },
    ]);
    expect(await listed()).toMatchObject([
      {
        ...{ id: 1, job_name: "System", job_type: "system_image", target_server: "localhost", target_path: null },
        ...{ is_active: true, schedule_type: "unknown", retention_days: 30, description: "AOMEI Task: System" },
        expectation: { state: "none_yet", says: "no expectation yet" },
      },
    ]);
  });

  it("again under the same name answers that job, also by the key that follows", async () => {
    const script = await newScript(api());
    const first = await script.register("System", { target_path: "D:\\A" });
    expect(await script.register("System", { target_path: "D:\\B" })).toBe(first);
    const keyId = script.key.split(".")[1] ?? "";
    const next = await rotateApiKey(api().context, testCaller, { keyId, overlapSeconds: 60, expiresAt: null });
    expect(await scriptWith(api(), next.text).register("System")).toBe(first);
    expect(await (await newScript(api())).register("System")).not.toBe(first);
    expect(await script.register("Data")).not.toBe(first);
    expect((await listed()).map(({ target_path }) => target_path)).toContain("D:\\A");
  });

  it("by ten at once is one job", async () => {
    const script = await newScript(api());
    const ids = await Promise.all(Array.from({ length: 10 }, () => script.register()));
    expect(new Set(ids).size).toBe(1);
  });

  it("with an id changes what is said, and nothing else", async () => {
    const script = await newScript(api());
    const job_id = await script.register("System", { target_path: "D:\\A", description: "old" });
    await script.register("System disk", { job_id, job_type: "file", target_server: "PC-7" });
    expect(await listed()).toMatchObject([
      { job_name: "System disk", job_type: "file", target_server: "PC-7", target_path: "D:\\A", description: "old" },
    ]);
    expect(await script.register("System")).toBe(job_id);
    const data = await script.register("Data");
    const taken = await script.post("/register", { job_id: data, task_name: "System" });
    expect([taken.status, taken.body["code"]]).toEqual([400, "JOB_REGISTRATION_FAILED"]);
    const unknown = await script.post("/register", { job_id: 99, task_name: "X" });
    expect([unknown.status, unknown.body["code"]]).toEqual([404, "JOB_NOT_FOUND"]);
  });

  it.each<[string, object, string[]]>([
    ["nothing", {}, ["task_name"]],
    ["an empty name", { task_name: " " }, ["task_name"]],
    [
      "long texts",
      { task_name: "x".repeat(201), target_server: "x".repeat(101), target_path: "x".repeat(501) },
      ["task_name", "target_server", "target_path"],
    ],
    ["a long description", { task_name: "a", description: "x".repeat(501) }, ["description"]],
    ["an unknown type", { task_name: "a", job_type: "tape" }, ["job_type"]],
    ["a negative id", { task_name: "a", job_id: -1 }, ["job_id"]],
  ])("%s is refused", async (_what, body, fields) => {
    const reply = await (await newScript(api())).post("/register", body);
    expect([reply.status, reply.body["code"], fieldsOf(reply)]).toEqual([400, "VALIDATION_ERROR", fields]);
  });

  it("by a key that is limited to an agent is that agent's, and no other's", async () => {
    const [mine, other] = [await api().agent("mine"), await api().agent("other")];
    const script = await newScript(api(), { agentId: mine });
    const job_id = await script.register();
    expect(await jobOf(api(), job_id)).toMatchObject({ agent_id: mine });
    const stranger = await newScript(api(), { agentId: other });
    const reply = await stranger.status({ job_id, status: "success" });
    expect([reply.status, reply.body["code"]]).toEqual([404, "JOB_NOT_FOUND"]);
    const reader = await api().key(["read"], other);
    expect((await api().get(`/api/v1/aomei/jobs/${job_id}`, { as: reader })).status).toBe(404);
    expect((await api().get("/api/v1/aomei/jobs", { as: reader })).body).toMatchObject({ data: [], total: 0 });
  });

  it("and changing are in the audit; answering what is known is not", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    await script.register();
    await script.register("Other", { job_id });
    const { body } = await api().get("/api/v1/audit?action=aomei.register");
    expect((body["entries"] as Json[]).map(({ outcome, details }) => [outcome, (details as Json)["how"]])).toEqual([
      ["done", "updated"],
      ["done", "created"],
    ]);
  });
});
