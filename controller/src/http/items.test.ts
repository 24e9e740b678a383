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
});
