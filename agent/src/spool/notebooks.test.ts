import { expect, test } from "vitest";
import { openSpool } from "./spool.ts";
import { testCommand, testFolder } from "./test-events.ts";

const all = (spool: ReturnType<typeof openSpool>) => spool.pending(0, 500, 900_000).events;

test("a command is taken once, and has one end", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const command = testCommand();
  const { command_id } = command;
  const step = (state: "running" | "done" | "failed") =>
    spool.commands.change({
      command_id,
      state,
      run_ids: [],
      result: null,
      error: null,
      at: "2026-03-01T12:00:00.000Z",
    });
  expect(() => step("running")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  expect(spool.commands.note(command)).toBe("new");
  expect(spool.commands.note(command)).toBe("known");
  expect(spool.commands.unfinished().map(({ state }) => state)).toEqual(["accepted"]);
  expect([step("running"), step("done"), step("failed")]).toEqual([true, true, false]);
  expect(spool.commands.unfinished()).toEqual([]);
  expect(spool.commands.get(command_id)).toMatchObject({ command, state: "done" });
  expect(spool.commands.get(crypto.randomUUID())).toBeNull();
  expect(all(spool).map(({ kind, body }) => [kind, body["state"]])).toEqual([
    ["command_changed", "accepted"],
    ["command_changed", "running"],
    ["command_changed", "done"],
  ]);
  const { acknowledged } = spool.place();
  spool.acknowledge({ ...acknowledged, seq: 3, event_id: null });
  expect(spool.commands.note(command)).toBe("known");
  expect(all(spool).map(({ body }) => body["state"])).toEqual(["done"]);
  spool.close();
});

test("a command that was accepted before and is not known ends, and is not begun", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const command = testCommand();
  expect(spool.commands.note(command, true)).toBe("known");
  expect(spool.commands.unfinished()).toEqual([]);
  expect(all(spool).map(({ body }) => [body["state"], body["error"]])).toEqual([
    ["failed", expect.objectContaining({ code: "INTERRUPTED" })],
  ]);
  const known = testCommand();
  expect(spool.commands.note(known)).toBe("new");
  expect(spool.commands.note(known, true)).toBe("known");
  expect(spool.commands.get(known.command_id)).toMatchObject({ state: "accepted" });
  spool.close();
});

test("commands that ended are forgotten long after their deadline, others never", () => {
  using folder = testFolder();
  const ended = testCommand();
  const open = testCommand();
  const at = "2026-03-01T12:00:00.000Z";
  const first = openSpool(folder.path);
  for (const command of [ended, open]) first.commands.note(command);
  const end = { command_id: ended.command_id, run_ids: [], result: null, error: null, at };
  first.commands.change({ ...end, state: "cancelled" });
  first.close();
  const known = (now: string) => {
    const spool = openSpool(folder.path, { thorough: true, now: () => new Date(now) });
    const found = [ended, open].map(({ command_id }) => spool.commands.get(command_id) !== null);
    spool.close();
    return found;
  };
  expect(known("2026-05-30T00:00:00Z")).toEqual([true, true]);
  expect(known("2026-06-02T00:00:00Z")).toEqual([false, true]);
});

test("the newest policy is kept, as it came", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const policy = (version: number) => ({
    version,
    issued_at: "2026-03-01T12:00:00.000Z",
    repositories: [{ repository_id: "main", path: "/srv/main", later_field: 7 }],
    items: [],
  });
  expect(spool.policy.get()).toBeNull();
  expect([2, 2, 1, 3].map((version) => spool.policy.put(policy(version)))).toEqual([true, false, false, true]);
  spool.close();
  const again = openSpool(folder.path);
  expect(again.policy.get()).toEqual(policy(3));
  again.close();
});
