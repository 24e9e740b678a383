import { randomUUID } from "node:crypto";
import type { CommandState } from "@holdfast/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { revokeAgent } from "../services/certificates/revoke-agent.ts";
import { addCommand, type NewCommand } from "../services/commands/add-command.ts";
import { cancelCommand } from "../services/commands/cancel-command.ts";
import { findCommand } from "../services/commands/command-row.ts";
import { envelopes, finished, runIdOf, started, told } from "../services/ingest/test-events.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { hello, hubsOn, type TestAuthority, testAuthority, until } from "./test-link.ts";

let place: TestAuthority;
beforeAll(async () => {
  place = await testAuthority();
});
afterAll(() => place[Symbol.asyncDispose]());

function diagnose(agentId: string, more: Partial<NewCommand> = {}): NewCommand<"agent.diagnose"> {
  const base = { agentId, kind: "agent.diagnose", arguments: {}, author: "token:admin", reason: "to see" } as const;
  return { ...base, deadline: null, idempotencyKey: null, ...more } as NewCommand<"agent.diagnose">;
}

describeOnBothStores("the agent port", (open) => {
  const hubOn = hubsOn(() => place);

  it("takes events after hello and resume, and acknowledges what is committed", async () => {
    const store = await open();
    const hub = await hubOn(store);
    const identity = hub.identity();
    const epoch = randomUUID();
    const first = hub.call(identity);
    await first.greet({ epoch });
    const events = envelopes(1, started("a"), finished("a"));
    first.send({ type: "events", epoch, events });
    expect(await first.next("acknowledged")).toMatchObject({ epoch, seq: 2, event_id: events[1]?.event_id });
    const runs = await store.read((db) => db.select().from(db.tables.executions));
    expect(runs).toMatchObject([{ runId: runIdOf("a"), agentId: identity.agentId, state: "completed" }]);
    first.socket.terminate();
    const second = hub.call(identity);
    await new Promise((resolve) => second.socket.once("open", resolve));
    second.send(hello({ epoch, acknowledged: 1, last: 2 }));
    expect(await second.next("welcome")).toMatchObject({
      protocol: 1,
      applied: { epoch, seq: 2, event_id: events[1]?.event_id },
      epoch_closed: false,
    });
  });

  it("a second connection of an agent takes the first one's place", async () => {
    const hub = await hubOn(await open());
    const identity = hub.identity();
    const first = hub.call(identity);
    await first.greet();
    const second = hub.call(identity);
    await second.greet();
    expect(await first.closed).toEqual({ code: 1008, reason: "REPLACED" });
    expect(hub.link.links.isConnected(identity.agentId)).toBe(true);
    expect(hub.link.presence.of(identity.agentId)).toMatchObject({ waitingEvents: 0 });
    second.socket.terminate();
    await until(() => hub.link.presence.of(identity.agentId) === undefined);
    expect(hub.link.links.isConnected(identity.agentId)).toBe(false);
  });

  it("revocation ends the connection at once, and no other begins", async () => {
    const store = await open();
    const hub = await hubOn(store);
    const identity = hub.identity();
    const caller = hub.call(identity);
    await caller.greet();
    const by = {
      actor: { kind: "token", id: "admin", scopes: [], agentId: null },
      requestId: "r",
      source: "-",
    } as const;
    const { disconnect } = await revokeAgent({ store, now: () => new Date() }, by, {
      agentId: identity.agentId,
      reason: "lost",
    });
    hub.link.links.disconnect(disconnect, { code: "AGENT_REVOKED", message: "revoked", retryAfterSeconds: null });
    expect(await caller.closed).toEqual({ code: 1008, reason: "AGENT_REVOKED" });
    const again = hub.call(identity);
    expect(await again.next("refused")).toMatchObject({ code: "AGENT_REVOKED", retry_after_seconds: null });
    expect(await again.closed).toMatchObject({ code: 1008 });
  });

  it("brings a queued command, once it is noted as sent, and takes its answers", async () => {
    const store = await open();
    const hub = await hubOn(store);
    const identity = hub.identity();
    const epoch = randomUUID();
    const early = hub.call(identity);
    await early.greet({ epoch });
    early.socket.terminate();
    await early.closed;
    await until(() => !hub.link.links.isConnected(identity.agentId));
    await hub.link.delivery.connected(identity.agentId);
    const { command } = await store.write((db) => addCommand(db, diagnose(identity.agentId), new Date()));
    const stateOf = async (): Promise<CommandState | undefined> =>
      (await store.read((db) => findCommand(db, command.commandId)))?.state;
    await hub.link.delivery.queued(identity.agentId);
    expect(await stateOf()).toBe("queued");
    const caller = hub.call(identity);
    await caller.greet({ epoch });
    expect((await caller.next("command")).command).toMatchObject({
      command_id: command.commandId,
      kind: "agent.diagnose",
    });
    expect(await stateOf()).toBe("sent");
    // Not answered: it comes once more with the next connection, and its cancel behind it.
    const { tellAgent } = await store.write((db) =>
      cancelCommand(db, command.commandId, { author: "me", now: new Date() }),
    );
    expect(tellAgent).toBe(true);
    await hub.link.delivery.cancelled(identity.agentId, command.commandId);
    expect(await caller.next("cancel")).toMatchObject({ command_id: command.commandId });
    const third = hub.call(identity);
    await third.greet({ epoch });
    await third.next("command");
    await third.next("cancel");
    third.send({
      type: "events",
      epoch,
      events: envelopes(1, told(command.commandId, "accepted"), told(command.commandId, "cancelled")),
    });
    await third.next("acknowledged");
    expect(await stateOf()).toBe("cancelled");
  });

  it("pushes the policy to a host that has an older one", async () => {
    const store = await open();
    const hub = await hubOn(store);
    const identity = hub.identity();
    const first = hub.call(identity);
    await first.greet();
    await store.write((db) => db.update(db.tables.agents).set({ policyVersion: 3, policyAppliedVersion: 2 }).execute());
    await hub.link.policies.changed(identity.agentId);
    expect((await first.next("policy")).policy).toMatchObject({ version: 3, items: [], repositories: [] });
    const second = hub.call(identity);
    await second.greet({ policyVersion: 2 });
    expect((await second.next("policy")).policy.version).toBe(3);
  });

  it("sends agents away that come all at once, and lets them in later", async () => {
    const hub = await hubOn(await open(), { greetings: 2 });
    const waiting = [hub.call(), hub.call()];
    await Promise.all(waiting.map(({ socket }) => new Promise((resolve) => socket.once("open", resolve))));
    const third = hub.call();
    const answer = await new Promise<{ status: number | undefined; retry: string | undefined }>((resolve) => {
      third.socket.once("unexpected-response", (_request, response) =>
        resolve({ status: response.statusCode, retry: response.headers["retry-after"] }),
      );
    });
    expect(answer.status).toBe(503);
    expect(Number(answer.retry)).toBeGreaterThan(0);
    for (const caller of waiting) await caller.greet();
    await hub.call().greet();
  });
});
