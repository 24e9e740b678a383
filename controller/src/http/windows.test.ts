import type { HostPolicy } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, START } from "./test-api.ts";
import { seedItem } from "./test-seeds.ts";

const later = (hours: number) => new Date(START.getTime() + hours * 3_600_000).toISOString();

describeApi("maintenance", (api) => {
  const announce = (body: object, as?: string) =>
    api().post("/api/v1/maintenance-windows", { name: "patches", ...body }, as === undefined ? {} : { as });

  it("is announced, told to the hosts that it stops, listed, and ended before its time", async () => {
    const { agentId, vmContextId } = await seedItem(api());
    const sent = api().connect(agentId);
    const policy = { name: "nightly", items: [{ agent_id: agentId, vm_context_id: vmContextId }] };
    expect((await api().post("/api/v1/policies", policy)).status).toBe(201);
    const closed = () =>
      sent.flatMap((frame): HostPolicy[] => (frame.type === "policy" ? [frame.policy] : [])).at(-1)?.plans?.[0]?.[
        "closed"
      ];
    expect(closed()).toEqual([]);
    const made = await announce({ starts_at: later(1), ends_at: later(3), suspend_runs: true });
    expect([made.status, made.body]).toMatchObject([
      201,
      {
        active: false,
        ended_at: null,
        created_by: "token:admin",
        current_or_next: { from: later(1), until: later(3) },
      },
    ]);
    expect(closed()).toEqual([{ from: later(1), until: later(3) }]);
    api().clock.now = new Date(later(2));
    const list = await api().get("/api/v1/maintenance-windows?ended=false");
    expect(list.body).toMatchObject({ windows: [{ window_id: made.body["window_id"], active: true }], total: 1 });
    const ended = await api().post(`/api/v1/maintenance-windows/${String(made.body["window_id"])}/end`);
    expect([ended.status, ended.body]).toMatchObject([
      200,
      { active: false, ended_at: later(2), current_or_next: null },
    ]);
    expect(closed()).toEqual([{ from: later(1), until: later(2) }]);
    const again = await api().post(`/api/v1/maintenance-windows/${String(made.body["window_id"])}/end`);
    expect([again.status, again.body["code"]]).toEqual([409, "CONFLICT"]);
    expect((await api().get("/api/v1/maintenance-windows?ended=false")).body["total"]).toBe(0);
    expect((await api().get("/api/v1/maintenance-windows?ended=true")).body["total"]).toBe(1);
  });

  it("comes again by cron, in a zone; what cannot be meant is refused, all of it at once", async () => {
    const weekly = { cron: "0 22 * * 6", zone: "Europe/Berlin", duration_seconds: 7200 };
    const made = await announce({ ...weekly, selector: { labels: { site: "west" } } });
    expect([made.status, made.body]).toMatchObject([
      201,
      {
        ...weekly,
        ...{ starts_at: START.toISOString(), ends_at: null, suspend_runs: false },
        current_or_next: { from: "2026-02-21T21:00:00.000Z", until: "2026-02-21T23:00:00.000Z" },
      },
    ]);
    const wrong = await announce({ cron: "0 22 * * 9", zone: "Nowhere", ends_at: later(-1) });
    expect(wrong.status).toBe(400);
    const paths = (wrong.body["fields"] as { path: string }[]).map(({ path }) => path);
    expect([...new Set(paths)].sort()).toEqual(["cron", "duration_seconds", "ends_at", "zone"]);
  });

  it("of one host may be announced and ended by that host's own key, of others not", async () => {
    const [own, other] = [await api().agent("own"), await api().agent("other")];
    const key = await api().key(["operate", "read"], own);
    const span = { ends_at: later(1) };
    const refused = [{}, { selector: { agent_ids: [other] } }, { selector: { agent_ids: [own, other] } }];
    for (const one of refused) expect((await announce({ ...span, ...one }, key)).status).toBe(403);
    const made = await announce({ ...span, selector: { agent_ids: [own] } }, key);
    expect(made.status).toBe(201);
    const foreign = await announce({ ...span, selector: { agent_ids: [other] } });
    const end = (id: unknown) => api().post(`/api/v1/maintenance-windows/${String(id)}/end`, undefined, { as: key });
    expect((await end(foreign.body["window_id"])).status).toBe(403);
    expect((await end(made.body["window_id"])).status).toBe(200);
    expect((await api().get("/api/v1/maintenance-windows", { as: key })).status).toBe(403);
    expect((await announce(span, await api().key(["read"]))).status).toBe(403);
  });
});
