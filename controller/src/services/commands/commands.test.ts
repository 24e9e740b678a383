import type { ControllerFrame } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { revokeAgent } from "../../store/agents.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { NOW, newAgent, silent } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { addCommand, type NewCommand } from "./add-command.ts";
import { cancelCommand } from "./cancel-command.ts";
import { findCommand } from "./command-row.ts";
import { openDelivery } from "./delivery.ts";
import { expireCommands } from "./expire-commands.ts";

const DAY = 24 * 3_600_000;
const B1 = "backup-web-disk0-20260301-030000";

async function benchOn(store: Store) {
  const agentId = await newAgent(store);
  const links = openLinks();
  const clock = { now: NOW };
  const context = { store, now: () => clock.now, links, log: silent };
  const sent: ControllerFrame[] = [];
  const link = { send: (frame: ControllerFrame) => sent.push(frame) > 0, end: () => undefined };
  const order: NewCommand<"agent.diagnose"> = {
    ...{ agentId, kind: "agent.diagnose", arguments: {}, author: "me", reason: "", deadline: null },
    idempotencyKey: null,
  };
  return {
    ...{ agentId, clock, context, sent, order },
    delivery: openDelivery(context),
    connect: () => links.add(agentId, link),
    add: (more: Partial<NewCommand> = {}) =>
      store.write((db) => addCommand(db, { ...order, ...more } as NewCommand, clock.now)),
    cancel: (id: string) => store.write((db) => cancelCommand(db, id, { author: "me", now: clock.now })),
    state: async (id: string) => (await store.read((db) => findCommand(db, id)))?.state,
  };
}

describeOnBothStores("commands", (open) => {
  it("the same key is the same command, and never another one", async () => {
    const bench = await benchOn(await open());
    const first = await bench.add({ idempotencyKey: "k" });
    const again = await bench.add({ idempotencyKey: "k" });
    expect([first.isNew, again.isNew]).toEqual([true, false]);
    expect(again.command).toEqual(first.command);
    expect(first.command.deadline).toEqual(new Date(NOW.getTime() + DAY));
    const other = bench.add({ idempotencyKey: "k", kind: "agent.rotate-certificate" });
    await expect(other).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("many that come at the same time with the same key are one command", async () => {
    const bench = await benchOn(await open());
    const all = await Promise.all(Array.from({ length: 8 }, () => bench.add({ idempotencyKey: "k" })));
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(all.map(({ command }) => command.commandId)).size).toBe(1);
    const { commands } = await bench.context.store.read(async (db) => db.tables);
    expect(await bench.context.store.read((db) => db.select().from(commands))).toHaveLength(1);
  });

  it("sent again when it is over or cancelled, it can be begun by no host, whatever its clock says", async () => {
    const bench = await benchOn(await open());
    bench.connect();
    const deadlines = () =>
      bench.sent.splice(0).flatMap((frame) => (frame.type === "command" ? [frame.command.deadline] : []));
    const [late, cancelled] = [(await bench.add()).command, (await bench.add()).command];
    await bench.delivery.queued(bench.agentId);
    expect(deadlines()).toEqual([late, cancelled].map(({ deadline }) => deadline.toISOString()));
    await bench.cancel(cancelled.commandId);
    await bench.delivery.connected(bench.agentId);
    expect(deadlines().toSorted()).toEqual(["1970-01-01T00:00:00.000Z", late.deadline.toISOString()]);
    bench.clock.now = new Date(NOW.getTime() + 5 * DAY);
    await bench.delivery.connected(bench.agentId);
    expect(deadlines()).toEqual(["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"]);
  });

  it("has its deadline by the clock of its host, which may be wrong", async () => {
    const bench = await benchOn(await open());
    bench.connect();
    const { command } = await bench.add();
    const { agents } = await bench.context.store.read(async (db) => db.tables);
    await bench.context.store.write((db) =>
      db
        .update(agents)
        .set({ clockOffsetMs: 2 * DAY })
        .execute(),
    );
    await bench.delivery.queued(bench.agentId);
    const deadline = new Date(command.deadline.getTime() + 2 * DAY).toISOString();
    expect(bench.sent).toMatchObject([{ type: "command", command: { deadline } }]);
  });

  it("refuses wrong arguments by name, past deadlines, and agents that are unknown or revoked", async () => {
    const store = await open();
    const bench = await benchOn(store);
    const wrong = { kind: "backup.delete", arguments: { repository_id: "/x", backup_ids: [] } } as never;
    await expect(bench.add(wrong)).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ path: "arguments.repository_id" }, { path: "arguments.backup_ids" }],
    });
    await expect(bench.add({ deadline: NOW })).rejects.toMatchObject({ fields: [{ path: "deadline" }] });
    await expect(bench.add({ agentId: "nobody" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await store.write((db) => revokeAgent(db, bench.agentId));
    await expect(bench.add()).rejects.toMatchObject({ code: "AGENT_REVOKED" });
  });

  it("goes to a connected agent once, in the order of the orders", async () => {
    const bench = await benchOn(await open());
    bench.connect();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      bench.clock.now = new Date(NOW.getTime() + n);
      ids.push((await bench.add()).command.commandId);
    }
    await Promise.all([1, 2, 3].map(() => bench.delivery.queued(bench.agentId)));
    expect(bench.sent.map((frame) => frame.type === "command" && frame.command.command_id)).toEqual(ids);
    expect(await bench.state(ids[0] ?? "")).toBe("sent");
  });

  it("one that was never sent ends at once when cancelled, with what it asked for; a sent one is the agent's", async () => {
    const store = await open();
    const bench = await benchOn(store);
    const { command } = await bench.add();
    await store.write((db) =>
      db
        .insert(db.tables.backups)
        .values({
          ...{
            agentId: bench.agentId,
            backupId: B1,
            repositoryId: "main",
            vmContextId: "vm",
            vmName: "web",
            diskId: 0,
          },
          ...{ backupType: "full", status: "pending", bytesTransferred: 0, totalBytes: 0, tags: {}, pinned: false },
          ...{ createdAt: NOW, commandId: command.commandId },
        })
        .execute(),
    );
    expect(await bench.cancel(command.commandId)).toMatchObject({ command: { state: "cancelled" }, tellAgent: false });
    const [backup] = await store.read((db) => db.select().from(db.tables.backups));
    expect(backup).toMatchObject({ status: "cancelled", error: { code: "CANCELLED" } });
    expect(await bench.cancel(command.commandId)).toMatchObject({ tellAgent: false });
    bench.connect();
    const { command: next } = await bench.add();
    await bench.delivery.queued(bench.agentId);
    expect(bench.sent).toHaveLength(1);
    expect(await bench.cancel(next.commandId)).toMatchObject({ command: { state: "sent" }, tellAgent: true });
    await bench.delivery.connected(bench.agentId);
    expect(bench.sent.slice(1).map(({ type }) => type)).toEqual(["command", "cancel"]);
    await expect(bench.cancel("nothing")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("what was not sent by its deadline expires; what was sent only when its agent is there and silent", async () => {
    const bench = await benchOn(await open());
    const { command: queued } = await bench.add();
    const { command: sent } = await bench.add({ agentId: bench.agentId });
    await bench.context.store.write((db) => db.update(db.tables.commands).set({ state: "sent" }).execute());
    const { command: late } = await bench.add({ deadline: new Date(NOW.getTime() + 3 * DAY) });
    const { command: waiting } = await bench.add();
    bench.clock.now = new Date(NOW.getTime() + DAY + 60_000);
    expect((await expireCommands(bench.context)).map(({ commandId }) => commandId)).toEqual([waiting.commandId]);
    bench.connect();
    bench.clock.now = new Date(NOW.getTime() + DAY + 11 * 60_000);
    const ended = (await expireCommands(bench.context)).map(({ commandId }) => commandId);
    expect(ended.toSorted()).toEqual([queued.commandId, sent.commandId].toSorted());
    expect(await bench.state(late.commandId)).toBe("queued");
    await expect(bench.cancel(sent.commandId)).rejects.toMatchObject({ code: "CONFLICT" });
  });
});
