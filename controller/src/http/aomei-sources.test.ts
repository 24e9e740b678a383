import { expect, it } from "vitest";
import { describeApi, START } from "./test-api.ts";

describeApi("what is known of AOMEI on hosts", (api) => {
  it("sources that cannot be read say why", async () => {
    const [agentId, other] = [await api().agent("pc"), await api().agent("other")];
    const finding = { code: "X", message: "m", offset: null };
    const row = { sourceKind: "result_log" as const, toldAt: START, findings: [finding] };
    const rows = [
      { ...row, agentId, source: "C:\\brlog.xml", state: "unreadable", reason: "access is denied" },
      { ...row, agentId: other, source: "C:\\brlog.xml", state: "not_installed", reason: "no sign of it" },
    ] as const;
    await api().store.write((db) =>
      db
        .insert(db.tables.aomeiSources)
        .values([...rows])
        .execute(),
    );
    const all = await api().get("/api/v1/aomei/sources");
    expect(all.body).toMatchObject({ total: 2 });
    const { body } = await api().get("/api/v1/aomei/sources?state=unreadable");
    expect(body).toMatchObject({ sources: [{ agent_id: agentId, reason: "access is denied" }], total: 1 });
    const as = await api().key(["read"], other);
    expect((await api().get("/api/v1/aomei/sources", { as })).body).toMatchObject({ total: 1 });
    const first = await api().get("/api/v1/aomei/sources?limit=1");
    const next = await api().get(`/api/v1/aomei/sources?limit=1&cursor=${first.body["next_cursor"]}`);
    const ids = [first, next].flatMap((page) =>
      (page.body["sources"] as { agent_id: string }[]).map((one) => one.agent_id),
    );
    expect(ids.sort()).toEqual([agentId, other].sort());
  });

  it("images have a verification, and a place that fits", async () => {
    const agentId = await api().agent("pc");
    const row = { agentId, folder: "D:\\I", imageKind: "adi", sizeBytes: 7, modifiedAt: START, reason: null } as const;
    const times = { firstSeenAt: START, checkedAt: START };
    const rows = [
      { ...row, ...times, path: "D:\\I\\a.adi", jobId: 4, state: "complete", checksum: "passed" },
      { ...row, ...times, path: "D:\\I\\b.adi", jobId: null, state: "removed_by_scheme", checksum: "unproven" },
    ] as const;
    await api().store.write((db) =>
      db
        .insert(db.tables.aomeiImages)
        .values([...rows])
        .execute(),
    );
    const list = async (query: string) => (await api().get(`/api/v1/aomei/images?${query}`)).body;
    expect(await list("")).toMatchObject({ total: 2, images: [{ path: "D:\\I\\b.adi" }, { path: "D:\\I\\a.adi" }] });
    expect(await list("job_id=4")).toMatchObject({ images: [{ verification: "passed", state: "complete" }] });
    expect(await list("state=removed_by_scheme")).toMatchObject({
      images: [{ verification: "unproven", job_id: null }],
    });
    expect(await list("state=gone")).toMatchObject({ code: "VALIDATION_ERROR" });
  });
});
