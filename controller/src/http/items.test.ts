import { expect, it } from "vitest";
import { describeApi } from "./test-api.ts";

const disk = { disk_id: 0, source: { kind: "file", path: "/images/web.raw", format: "raw" } };
const entry = { vm_context_id: "web-1", vm_name: "web", repository_id: "main", disks: [disk] };

describeApi("items and repositories", (api) => {
  async function host(name = "host"): Promise<string> {
    const agentId = await api().agent(name);
    const made = await api().post("/api/v1/repositories", {
      agent_id: agentId,
      repository_id: "main",
      path: "/backup/main",
    });
    expect(made.status).toBe(201);
    return agentId;
  }

  it("are made, read, changed and removed", async () => {
    const agent_id = await host();
    const made = await api().post("/api/v1/items", { agent_id, ...entry });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ agent_id, ...entry, origin: "controller", tags: {}, compression: "none" });
    expect((await api().get("/api/v1/items/web-1")).body).toEqual(made.body);
    expect((await api().get("/api/v1/items")).body).toEqual({
      items: [made.body],
      total: 1,
      total_exact: true,
      next_cursor: null,
    });
    const { vm_context_id: _id, ...rest } = entry;
    const changed = await api().call("PUT", "/api/v1/items/web-1", { body: { ...rest, retention_days: 30 } });
    expect(changed.body).toMatchObject({ retention_days: 30 });
    const inUse = await api().call("DELETE", "/api/v1/repositories/main");
    expect(inUse.status).toBe(409);
    expect(inUse.body).toMatchObject({ code: "HAS_DEPENDENTS", details: "web-1" });
    expect((await api().call("DELETE", "/api/v1/items/web-1")).status).toBe(200);
    expect((await api().get("/api/v1/items/web-1")).status).toBe(404);
    expect((await api().call("DELETE", "/api/v1/repositories/main")).status).toBe(200);
  });

  it("of a host are no more than one frame of the link carries: what would not fit is refused, and nothing has changed", async () => {
    const agent_id = await host();
    const large = (id: string, disks: number) => {
      const path = (index: number) => `/images/${index}/${"x".repeat(3900)}`;
      const source = (index: number) => ({ kind: "file", path: path(index), format: "raw" });
      const all = Array.from({ length: disks }, (_, index) => ({ disk_id: index, source: source(index) }));
      return { agent_id, ...entry, vm_context_id: id, vm_name: id, disks: all };
    };
    expect((await api().post("/api/v1/items", large("one", 200))).status).toBe(201);
    const refused = await api().post("/api/v1/items", large("two", 70));
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      code: "CANNOT_BE_DONE",
      error: expect.stringMatching(/1047552 are the most/),
      details: expect.stringMatching(/^items: 2, repositories: 1/),
    });
    expect((await api().get("/api/v1/items/two")).status).toBe(404);
    expect((await api().post("/api/v1/items", large("two", 40))).status).toBe(201);
    const { agent_id: _agent, vm_context_id: _id, ...grown } = large("two", 70);
    expect((await api().call("PUT", "/api/v1/items/two", { body: grown })).status).toBe(422);
    expect((await api().call("DELETE", "/api/v1/items/one")).status).toBe(200);
    expect((await api().call("PUT", "/api/v1/items/two", { body: grown })).status).toBe(200);
  });
});
