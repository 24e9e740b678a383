import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { describeApi } from "./test-api.ts";

describeApi("commands", (api) => {
  it("ask an agent itself, and can be ended", async () => {
    const agent_id = await api().agent();
    const made = await api().post("/api/v1/commands", { agent_id, kind: "agent.diagnose", reason: "slow" });
    expect([made.status, made.body]).toMatchObject([
      202,
      { state: "queued", reason: "slow", deadline: "2026-02-16T12:00:00.000Z" },
    ]);
    const at = `/api/v1/commands/${made.body["command_id"]}`;
    expect((await api().post(`${at}/cancel`)).body).toMatchObject({ state: "cancelled" });
    expect((await api().get(at)).body).toMatchObject({ state: "cancelled", error: { code: "CANCELLED" } });
    const stranger = await api().key(["read", "operate"], await api().agent("other"));
    expect((await api().get(at, { as: stranger })).status).toBe(404);
    expect((await api().post(`${at}/cancel`, undefined, { as: stranger })).status).toBe(404);
  });

  it.each<[string, object, number]>([
    ["a shell line", { kind: "shell" }, 400],
    ["what has an endpoint of its own", { kind: "backup.delete" }, 400],
    ["an unknown agent", { agent_id: randomUUID() }, 404],
    ["a deadline that is over", { deadline: "2020-01-01T00:00:00Z" }, 400],
  ])("%s is refused", async (_what, change, status) => {
    const agent_id = await api().agent();
    expect((await api().post("/api/v1/commands", { agent_id, kind: "agent.diagnose", ...change })).status).toBe(status);
  });
});
