import type { HostPolicy } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, type TestApi } from "./test-api.ts";
import { disk, seedItem } from "./test-seeds.ts";

describeApi("policies", (api) => {
  const policy = (more: object = {}) => ({ name: "nightly", ...more });
  const create = async (more: object = {}) => {
    const made = await api().post("/api/v1/policies", policy(more));
    expect([made.status, made.body]).toMatchObject([201, { version: 1 }]);
    return made.body as { policy_id: string; version: number };
  };

  it("are made, bound, pushed to the connected host, changed, read back and retired", async () => {
    const { agentId, vmContextId } = await seedItem(api());
    const sent = api().connect(agentId);
    const { policy_id } = await create({ items: [{ agent_id: agentId, vm_context_id: vmContextId }] });
    expect(pushed(sent).plans).toEqual([
      expect.objectContaining({ policy_id, policy_version: 1, seed: agentId, items: [vmContextId], closed: [] }),
    ]);
    const items = await api().get(`/api/v1/policies/${policy_id}/items`);
    expect(items.body).toMatchObject({
      items: [{ agent_id: agentId, vm_context_id: vmContextId, bound_by: "explicit" }],
    });
    const read = await api().get(`/api/v1/policies/${policy_id}`);
    expect(read.body).toMatchObject({ name: "nightly", created_by: "token:admin", retired_at: null });
    const next = { ...policy({ description: "hourly", backup: { schedule: { cron: "0 * * * *", zone: "UTC" } } }) };
    const bound = { ...next, items: [{ agent_id: agentId, vm_context_id: vmContextId }] };
    const changed = await api().call("PUT", `/api/v1/policies/${policy_id}`, {
      body: { ...bound, version: 1, reason: "more often" },
    });
    expect([changed.status, changed.body]).toMatchObject([200, { version: 2, description: "hourly" }]);
    expect(pushed(sent).plans?.[0]).toMatchObject({
      ...{ policy_version: 2 },
      tasks: { backup: { schedule: { cron: "0 * * * *", zone: "UTC" } } },
    });
    const versions = await api().get(`/api/v1/policies/${policy_id}/versions`);
    expect(versions.body).toMatchObject({ total: 2, versions: [{ version: 2, reason: "more often" }, { version: 1 }] });
    const retired = await api().call("DELETE", `/api/v1/policies/${policy_id}`);
    expect([retired.status, retired.body["retired_at"]]).toEqual([200, expect.any(String)]);
    expect(pushed(sent).plans).toEqual([]);
    expect((await api().get("/api/v1/policies")).body).toMatchObject({ policies: [], total: 0 });
    const audit = await api().get("/api/v1/audit?action=policies.change");
    const entries = audit.body["entries"] as { subject: string; details: { verb: string } }[];
    expect(entries.map(({ subject, details }) => [subject, details.verb])).toEqual(
      ["retire", "change", "create"].map((verb) => [policy_id, verb]),
    );
  });

  it("change only from the version that was read, and have names of their own", async () => {
    const { policy_id } = await create();
    const put = (body: object) => api().call("PUT", `/api/v1/policies/${policy_id}`, { body });
    expect((await put({ ...policy(), version: 1, priority: 7 })).status).toBe(200);
    const stale = await put({ ...policy(), version: 1 });
    expect([stale.status, stale.body]).toMatchObject([
      409,
      { code: "CONFLICT", details: "version 2 by token:admin; this change is of version 1" },
    ]);
    const taken = await api().post("/api/v1/policies", policy());
    expect([taken.status, taken.body]).toMatchObject([409, { details: `policy_id=${policy_id}` }]);
    const other = await create({ name: "other" });
    const renamed = { ...policy(), version: 1 };
    expect((await api().call("PUT", `/api/v1/policies/${other.policy_id}`, { body: renamed })).status).toBe(409);
    expect((await api().call("DELETE", `/api/v1/policies/${policy_id}`)).status).toBe(200);
    expect((await put({ ...policy(), version: 2 })).status).toBe(409);
    await create();
    const off = await create({ name: "off", enabled: false });
    const listed = await api().get("/api/v1/policies?enabled=false");
    expect(listed.body).toMatchObject({ total: 1, policies: [{ policy_id: off.policy_id }] });
    const pages = await api().get("/api/v1/policies?limit=2");
    const rest = await api().get(`/api/v1/policies?limit=2&cursor=${String(pages.body["next_cursor"])}`);
    expect([pages.body["total"], rest.body["policies"]]).toMatchObject([3, [{}]]);
    expect((await api().get(`/api/v1/policies/${policy_id}/versions?limit=1`)).body).toMatchObject({
      ...{ total: 2, versions: [{ version: 2, removal_preview: { removes: 0, keeps: 0 }, policy: { priority: 7 } }] },
    });
  });

  it("follow items and labels at once: what is protected, changed and removed is pushed with its plan", async () => {
    await create({ selector: { labels: { site: "west" } } });
    const { agentId, vmContextId } = await seedItem(api());
    const sent = api().connect(agentId);
    const label = (labels: object) => api().call("PATCH", `/api/v1/agents/${agentId}`, { body: { labels } });
    expect((await label({ site: "west" })).status).toBe(200);
    expect(pushed(sent)).toMatchObject({ items: [{ vm_context_id: vmContextId }], plans: [{ items: [vmContextId] }] });
    const second = { agent_id: agentId, vm_context_id: "db-1", vm_name: "db", repository_id: "main", disks: [disk(0)] };
    expect((await api().post("/api/v1/items", second)).status).toBe(201);
    expect(pushed(sent).plans).toMatchObject([{ items: ["db-1", vmContextId] }]);
    expect((await api().call("DELETE", `/api/v1/items/${vmContextId}`)).status).toBe(200);
    expect(pushed(sent).plans).toMatchObject([{ items: ["db-1"] }]);
    await label({ site: "east" });
    expect(pushed(sent).plans).toEqual([]);
  });

  it("are for those who see the whole fleet; a limited key sees which of its own items one has", async () => {
    const { agentId, vmContextId } = await seedItem(api());
    const other = await seedItem(api(), "db");
    const { policy_id } = await create({ selector: {} });
    const key = await api().key(["read", "configure"], agentId);
    const calls = [
      api().get("/api/v1/policies", { as: key }),
      api().get(`/api/v1/policies/${policy_id}`, { as: key }),
      api().get(`/api/v1/policies/${policy_id}/versions`, { as: key }),
      api().post("/api/v1/policies", policy({ name: "mine" }), { as: key }),
      api().post("/api/v1/policies/preview", { policy_id }, { as: key }),
      api().call("PUT", `/api/v1/policies/${policy_id}`, { as: key, body: { ...policy(), version: 1 } }),
      api().call("DELETE", `/api/v1/policies/${policy_id}`, { as: key }),
      api().get(`/api/v1/policies/${policy_id}/items?agent_id=${other.agentId}`, { as: key }),
      api().post("/api/v1/policies", policy({ name: "mine" }), { as: await api().key(["read", "operate"]) }),
    ];
    for (const { status } of await Promise.all(calls)) expect(status).toBe(403);
    const own = await api().get(`/api/v1/policies/${policy_id}/items`, { as: key });
    expect(own.body).toMatchObject({ total: 1, items: [{ agent_id: agentId, vm_context_id: vmContextId }] });
    expect((await api().get(`/api/v1/policies/${policy_id}/items`)).body["total"]).toBe(2);
  });
});

function pushed(sent: ReturnType<TestApi["connect"]>): HostPolicy {
  const policies = sent.flatMap((frame) => (frame.type === "policy" ? [frame.policy] : []));
  const last = policies.at(-1);
  if (last === undefined) throw new Error("nothing was pushed");
  expect(policies.map(({ version }) => version)).toEqual([...new Set(policies.map(({ version }) => version))]);
  return last;
}
