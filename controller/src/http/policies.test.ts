import type { HostPolicy } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, type TestApi } from "./test-api.ts";
import { seedItem } from "./test-seeds.ts";

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
  });
});

function pushed(sent: ReturnType<TestApi["connect"]>): HostPolicy {
  const policies = sent.flatMap((frame) => (frame.type === "policy" ? [frame.policy] : []));
  const last = policies.at(-1);
  if (last === undefined) throw new Error("nothing was pushed");
  expect(policies.map(({ version }) => version)).toEqual([...new Set(policies.map(({ version }) => version))]);
  return last;
}
