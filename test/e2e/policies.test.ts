/** A policy on its way: from the API through a real controller to a real agent, which says what it made of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";

/** Far away: nothing begins while this looks. */
const yearly = { cron: "0 3 29 2 *", zone: "local" };

describe("a policy and an enrolled host", () => {
  let host: ServiceTestHost;
  let agentId: string;
  beforeAll(async () => {
    host = await makeServiceHost();
    agentId = await host.enroll();
    host.start();
    await host.known();
  });
  afterAll(() => host.remove());

  const agent = async () => (await host.get(`/api/v1/agents/${agentId}`))["policy"] as Record<string, number>;
  const applied = (version: number) =>
    host.until(`/api/v1/agents/${agentId}`, (body) => {
      const policy = body["policy"] as { version: number; applied_version: number; refused: Json[] };
      return policy.applied_version >= version && policy.applied_version === policy.version ? policy : undefined;
    });

  it("is applied as soon as it is stored, changed, or its item comes and goes; a restart changes nothing", async () => {
    const before = await agent();
    const policy = { name: "nightly", selector: {}, backup: { schedule: yearly } };
    const made = await host.call("POST", "/api/v1/policies", policy);
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    const { policy_id, version } = made.body;
    expect(await applied(Number(before["version"]) + 1)).toMatchObject({ refused: [] });
    const items = await host.get(`/api/v1/policies/${String(policy_id)}/items`);
    expect(items["items"]).toMatchObject([{ agent_id: agentId, vm_context_id: "web-1", bound_by: "selector" }]);
    const first = await agent();
    const jitter = { ...policy, backup: { schedule: { ...yearly, jitter_seconds: 600 } }, version };
    expect((await host.call("PUT", `/api/v1/policies/${String(policy_id)}`, jitter)).status).toBe(200);
    const { version: second } = await applied(Number(first["version"]) + 1);
    await host.configure({
      ...host.config,
      items: [host.item, { ...host.item, vm_context_id: "db-1", vm_name: "db" }],
    });
    await host.until(`/api/v1/policies/${String(policy_id)}/items`, ({ total }) => (total === 2 ? true : undefined));
    const { version: third } = await applied(second + 1);
    await host.stopController();
    await host.startController();
    // The first look at all hosts comes a second after the start.
    await new Promise((wake) => setTimeout(wake, 2500));
    expect(await applied(third)).toMatchObject({ version: third, applied_version: third, refused: [] });
  });

  it("stops in maintenance that is announced for it, and is previewed as the host will run it", async () => {
    const { version } = await applied(1);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const wish = { name: "patches", ends_at: until, suspend_runs: true, selector: { agent_ids: [agentId] } };
    const made = await host.call("POST", "/api/v1/maintenance-windows", wish);
    expect([made.status, made.body["active"]]).toEqual([201, true]);
    await applied(version + 1);
    const hourly = { name: "draft", backup: { schedule: { cron: "*/20 * * * *", zone: "UTC" } } };
    const preview = await host.call("POST", "/api/v1/policies/preview", { policy: hourly, agent_id: agentId, runs: 8 });
    const closed = (preview.body["runs"] as Json[]).map(({ closed_by }) => closed_by);
    expect([closed[0], closed.at(-1)]).toEqual(["maintenance", null]);
  });
});
