import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { addRows } from "../store/bulk.ts";
import { describeApi, START } from "./test-api.ts";

const EPOCH = "00000000-0000-4000-8000-00000000000e";

describeApi("agents", (api) => {
  it("are told with what is known this moment, and with what was written when they are away", async () => {
    const agentId = await api().agent();
    const seen = async () => (await api().get(`/api/v1/agents/${agentId}`)).body["last_seen_at"];
    expect(await seen()).toBeNull();
    api().clock.now = new Date(START.getTime() + 34_567);
    api().presence.connected(agentId);
    expect(await seen()).toBe("2026-02-15T12:00:34.567Z");
    await api().presence.flush();
    api().presence.disconnected(agentId);
    expect(await seen()).toBe("2026-02-15T12:00:30.000Z");
  });

  it("say what their host refused, and what to do about it", async () => {
    const agentId = await api().agent();
    const error = { code: "SOURCE_NOT_ALLOWED", message: "/srv is outside", remedy: "Allow it on the host." };
    await api().store.write((db) => {
      const { agents: a } = db.tables;
      const policyRefused = [{ subject: "item web", error }];
      return db.update(a).set({ policyRefused }).where(eq(a.agentId, agentId)).execute();
    });
    const { body } = await api().get(`/api/v1/agents/${agentId}`);
    expect(body["policy"]).toMatchObject({ refused: [{ subject: "item web", ...error }] });
  });

  it("may be away for as long as somebody says", async () => {
    const agentId = await api().agent();
    const patch = (offline_after_seconds: number | null) =>
      api().call("PATCH", `/api/v1/agents/${agentId}`, { body: { offline_after_seconds } });
    expect((await patch(172_800)).body).toMatchObject({
      name: "host",
      offline_after_seconds: 172_800,
      time_zone: null,
    });
    expect((await api().call("PATCH", `/api/v1/agents/${agentId}`, { body: { name: "laptop" } })).status).toBe(200);
    const { body } = await api().get(`/api/v1/agents/${agentId}`);
    expect(body).toMatchObject({ name: "laptop", offline_after_seconds: 172_800 });
    expect((await patch(null)).body).toMatchObject({ name: "laptop", offline_after_seconds: null });
    expect((await patch(5)).status).toBe(400);
  });

  it("tell what of their spool this controller can never get, to whoever may see them", async () => {
    const [agentId, other] = [await api().agent("a"), await api().agent("b")];
    const gap = (from: number, minutes: number) => ({
      ...{ gapId: `gap ${from}`, agentId, epoch: EPOCH, fromSeq: from, toSeq: from + 9 },
      ...{ reason: "controller-behind", noticedAt: new Date(START.getTime() + minutes * 60_000) },
    });
    const gaps = [gap(1, 0), gap(50, 5)];
    await api().store.write((db) => addRows(db, db.tables.spoolGaps, gaps, { gapId: db.tables.spoolGaps.gapId }));
    const first = await api().get(`/api/v1/agents/${agentId}/gaps?limit=1`);
    const newest = { epoch: EPOCH, from_seq: 50, to_seq: 59, reason: "controller-behind" };
    expect(first.body).toEqual({
      gaps: [{ ...newest, noticed_at: "2026-02-15T12:05:00.000Z" }],
      ...{ total: 2, total_exact: true, next_cursor: expect.any(String) },
    });
    const next = await api().get(`/api/v1/agents/${agentId}/gaps?cursor=${first.body["next_cursor"]}`);
    expect(next.body).toMatchObject({ gaps: [{ from_seq: 1 }], next_cursor: null });
    expect((await api().get(`/api/v1/agents/${other}/gaps`)).body).toMatchObject({ gaps: [], total: 0 });
    const as = await api().key(["read"], other);
    expect((await api().get(`/api/v1/agents/${agentId}/gaps`, { as })).status).toBe(404);
  });
});
