import { expect, it } from "vitest";
import { entry, tellEntries } from "../services/aomei/test-aomei.ts";
import { newScript } from "./test-aomei.ts";
import { describeApi, type TestApi } from "./test-api.ts";

const day = (number: number) => `2026-02-${String(number).padStart(2, "0")}T03:00:00.000Z`;
const HOSTILE = `<img src=x onerror="alert('x')">`;

async function tellDays(api: TestApi, agentId: string, days: readonly number[], more: object = {}): Promise<void> {
  await tellEntries(
    api.store,
    agentId,
    days.map((number) => entry(day(number), more)),
    api.clock.now,
  );
}

/** Columns of a CSV without quotes. */
const table = (text: string) => {
  const [header = "", ...lines] = text.trim().split("\r\n");
  return lines.map((line) =>
    Object.fromEntries(line.split(",").map((cell, index) => [header.split(",")[index], cell])),
  );
};

describeApi("a report on AOMEI's tasks", (api) => {
  it("tells of each task as a table", async () => {
    const agentId = await api().agent("pc");
    const image = { image: "D:\\I\\System.adi", size_bytes: 500 };
    await tellDays(api(), agentId, [1, 9, 10, 11, 12], image);
    await tellDays(api(), agentId, [13], { status: "failed", result_code: 4103 });
    const reply = await api().get(`/api/v1/aomei/report.csv?agent_id=${agentId}`);
    expect([reply.status, reply.headers["content-type"]]).toEqual([200, "text/csv; charset=utf-8"]);
    expect(table(reply.text)).toMatchObject([
      {
        ...{ host: "pc", agent_id: agentId, job_id: "1", task: "System", expectation: "on_time" },
        ...{ last_run: day(13), last_result: "failed", last_good_backup: day(12), size_bytes: "500" },
        ...{ runs_success: "4", runs_warning: "0", runs_failed: "1", drill: "unproven" },
      },
    ]);
    const month = await api().get("/api/v1/aomei/report.csv?days=30");
    expect(table(month.text)).toMatchObject([{ runs_success: "5" }]);
  });

  it("is a page that needs nothing else, and in which nothing that was told is markup", async () => {
    const agentId = await api().agent(`pc ${HOSTILE}`);
    await tellDays(api(), agentId, [14], { task_name: `=1+1 ${HOSTILE}` });
    const script = await newScript(api());
    await script.register(`'"><script>alert(1)</script>`);
    const source = { agentId, source: `C:\\${HOSTILE}`, sourceKind: "result_log", state: "unreadable" } as const;
    const row = { ...source, reason: "</p><script>", findings: [], toldAt: api().clock.now };
    await api().store.write((db) => db.insert(db.tables.aomeiSources).values(row).execute());
    const { text, headers } = await api().get("/api/v1/aomei/report.html?days=30");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(text).not.toMatch(/<script|<img|<iframe|<link|url\(|@import|https?:\/\//i);
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(&#39;x&#39;)&quot;&gt;");
    expect(text).toContain("unreadable:</b> C:\\&lt;img");
    expect(text).toContain("no expectation yet");
    expect(text).toContain("default-src 'none'");
    const csv = await api().get("/api/v1/aomei/report.csv");
    expect(csv.text).toContain(`"'=1+1 <img src=x onerror=""alert('x')"">"`);
  });

  it("shows first what somebody has to look at, with its reason, and no host without AOMEI as a trouble", async () => {
    const [agentId, without] = [await api().agent("pc"), await api().agent("plain")];
    await tellDays(api(), agentId, [12, 13], { task_name: "A good one" });
    const failed = { status: "failed", result_code: 4103, detail: `Failed\n to write ${HOSTILE}` };
    await tellDays(api(), agentId, [13], { ...failed, task_guid: "{b}", task_name: `Z ${"ö".repeat(300)}` });
    const about = { source: "C:\\brlog.xml", sourceKind: "result_log", state: "not_installed" } as const;
    const row = { ...about, agentId: without, reason: "none was found", findings: [], toldAt: api().clock.now };
    await api().store.write((db) => db.insert(db.tables.aomeiSources).values(row).execute());
    const { text } = await api().get("/api/v1/aomei/report.html");
    const odd = { ...row, agentId, source: "D:\\brlog.xml", state: "ready" as const, reason: null };
    const findings = [{ code: "NOT_A_LOG", message: "this is no log", offset: 0 }];
    await api().store.write((db) =>
      db
        .insert(db.tables.aomeiSources)
        .values({ ...odd, findings })
        .execute(),
    );
    expect((await api().get("/api/v1/aomei/report.html")).text).toContain("D:\\brlog.xml (this is no log)");
    expect(text.indexOf("Z ööö")).toBeGreaterThan(0);
    expect(text.indexOf("Z ööö")).toBeLessThan(text.indexOf("A good one"));
    expect(text).not.toContain("ö".repeat(121));
    expect(text).toContain("Failed to write &lt;img");
    expect(text).toContain("No AOMEI Backupper on: plain.");
    expect(text).not.toContain("none was found");
  });

  it("is of one host, or of those that the credential may see", async () => {
    const [mine, other] = [await api().agent("mine"), await api().agent("other")];
    await tellDays(api(), mine, [14]);
    await tellDays(api(), other, [14]);
    const as = await api().key(["read"], mine);
    for (const form of ["csv", "html"]) {
      const limited = await api().get(`/api/v1/aomei/report.${form}`, { as });
      expect([limited.text.includes("mine"), limited.text.includes("other")]).toEqual([true, false]);
      const all = await api().get(`/api/v1/aomei/report.${form}`);
      expect([all.text.includes("mine"), all.text.includes("other")]).toEqual([true, true]);
      expect((await api().get(`/api/v1/aomei/report.${form}?agent_id=${other}`, { as })).status).toBe(403);
      const unknown = "00000000-0000-4000-8000-000000000000";
      expect((await api().get(`/api/v1/aomei/report.${form}?agent_id=${unknown}`)).status).toBe(404);
      expect((await api().get(`/api/v1/aomei/report.${form}?days=0`)).status).toBe(400);
    }
  });

  it("of a fleet without tasks says so", async () => {
    expect((await api().get("/api/v1/aomei/report.html")).text).toContain("No task of AOMEI Backupper is known here.");
    expect((await api().get("/api/v1/aomei/report.csv")).text).toMatch(/^host,agent_id,[^\n]*\r\n$/);
  });
});
