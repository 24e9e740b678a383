import { expect, it } from "vitest";
import { COUNTERS } from "../services/metrics/counters.ts";
import { newScript } from "./test-aomei.ts";
import { describeApi } from "./test-api.ts";

const POSTS = [
  "/api/v1/aomei/register",
  "/api/v1/aomei/status",
  "/api/v1/aomei/log-analysis",
  "/api/v1/aomei/status/batch",
  "/api/backup/update-status",
  "/api/backup/update-copy-status",
  "/api/backup/record-execution",
];
const unknownKey = `hfk1.${"a".repeat(16)}.${"b".repeat(43)}`;

describeApi("who may report", (api) => {
  it.each(POSTS)("%s: nobody without an API key of its scope", async (path) => {
    const post = (headers: Record<string, string>) => api().call("POST", path, { as: null, body: {}, headers });
    const refusal = async (headers: Record<string, string>) => {
      const { status, body } = await post(headers);
      return [status, body["code"]];
    };
    expect(await refusal({})).toEqual([401, "API_KEY_REQUIRED"]);
    expect(await refusal({ "x-api-key": "" })).toEqual([401, "API_KEY_REQUIRED"]);
    expect(await refusal({ authorization: `Bearer ${api().admin}` })).toEqual([401, "API_KEY_REQUIRED"]);
    expect(await refusal({ "x-api-key": "nonsense" })).toEqual([401, "INVALID_API_KEY"]);
    expect(await refusal({ "x-api-key": unknownKey })).toEqual([401, "INVALID_API_KEY"]);
    expect(await refusal({ authorization: "Bearer nonsense" })).toEqual([401, "INVALID_API_KEY"]);
    expect(await refusal({ "x-api-key": await api().key(["read", "operate"]) })).toEqual([403, "FORBIDDEN"]);
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_authentication_failures_total: 7 });
    expect(await refusal({ "x-api-key": await api().key(["report"]) })).toEqual([400, "VALIDATION_ERROR"]);
    const { body } = await api().get("/api/v1/audit");
    expect((body["entries"] as { outcome: string }[]).filter(({ outcome }) => outcome !== "done")).toHaveLength(8);
  });

  it.each(["/api/v1/aomei/jobs", "/api/v1/aomei/jobs/1"])("%s takes a person's token", async (path) => {
    expect((await api().get(path, { as: null })).status).toBe(401);
    expect((await api().get(path)).status).not.toBe(401);
    const { status, body } = await api().get(path, { as: await api().key(["report"]) });
    expect([status, body["code"]]).toEqual([403, "FORBIDDEN"]);
  });

  it("a body beyond the limit is refused", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const large = { job_id, status: "success", error_message: "x".repeat(1_100_000) };
    expect((await script.status(large)).body["code"]).toBe("BODY_TOO_LARGE");
    expect((await script.status({ job_id, status: "success", error_message: "x".repeat(900_000) })).status).toBe(200);
  });

  it("what reporters could not send is counted when they get through", async () => {
    const script = await newScript(api());
    const job_id = await script.register();
    const body = { job_id, status: "success" };
    await script.status(body, { "x-holdfast-reporter-errors": "3" });
    await script.status(body, { "x-holdfast-reporter-errors": "many" });
    const counts = api().context.counters.values();
    expect(counts).toMatchObject({ holdfast_aomei_reporter_errors_total: 3 });
    expect(Object.keys(counts).sort()).toEqual(Object.keys(COUNTERS).sort());
  });
});

describeApi(
  "a script that reports too often",
  (api) => {
    it("has to wait, and others do not", async () => {
      const [script, other] = [await newScript(api()), await newScript(api())];
      const job_id = await script.register();
      expect((await script.status({ job_id, status: "success" })).status).toBe(200);
      const refused = await script.status({ job_id, status: "success" });
      expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "1"]);
      expect((await other.status({ job_id, status: "success" })).status).toBe(200);
    });
  },
  { credential: { burst: 2, perSecond: 1 } },
);
