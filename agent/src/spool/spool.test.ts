import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSpool } from "./spool.ts";
import { result, testFolder } from "./test-events.ts";

const all = (spool: ReturnType<typeof openSpool>) => spool.pending(0, 500, 900_000).events;

test("what was appended comes in order, without holes, and stays until it is acknowledged", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const ids = [...spool.append([result("a"), result("b")]), ...spool.append([result("c")])];
  expect(all(spool).map(({ seq, event_id, body }) => [seq, event_id, body["outcome"]])).toEqual([
    [1, ids[0], "a"],
    [2, ids[1], "b"],
    [3, ids[2], "c"],
  ]);
  const { epoch } = spool.place().acknowledged;
  expect(spool.acknowledge({ epoch, seq: 2, event_id: ids[1] ?? null })).toBe(true);
  expect(spool.place()).toMatchObject({ acknowledged: { epoch, seq: 2, event_id: ids[1] }, lastSeq: 3 });
  spool.close();
  const again = openSpool(folder.path, { thorough: true });
  expect(all(again).map(({ body }) => body["outcome"])).toEqual(["c"]);
  expect(again.place().acknowledged).toEqual({ epoch, seq: 2, event_id: ids[1] });
  expect(again.append([result("d")])).toHaveLength(1);
  expect(all(again).map(({ seq }) => seq)).toEqual([3, 4]);
  again.close();
});

test("its files can be read by their owner only", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  spool.append([result("a")]);
  for (const name of ["spool.db", "spool.db-wal", "spool.db-shm", "spool.db.lock"])
    expect([name, statSync(join(folder.path, name)).mode & 0o777]).toEqual([name, 0o600]);
  spool.close();
});

test("a place that is not the spool's own drops nothing", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const [first = "", second = ""] = spool.append([result("a"), result("b")]).map(String);
  const { epoch } = spool.place().acknowledged;
  expect(spool.acknowledge({ epoch, seq: 3, event_id: null })).toBe(false);
  expect(spool.acknowledge({ epoch, seq: 1, event_id: second })).toBe(false);
  expect(spool.acknowledge({ epoch: crypto.randomUUID(), seq: 1, event_id: first })).toBe(false);
  expect(spool.counts().waiting).toBe(2);
  expect(spool.acknowledge({ epoch, seq: 2, event_id: second })).toBe(true);
  expect(spool.acknowledge({ epoch, seq: 1, event_id: first })).toBe(true);
  expect(spool.acknowledge({ epoch, seq: 2, event_id: first })).toBe(false);
  expect(spool.place().acknowledged).toEqual({ epoch, seq: 2, event_id: second });
  expect(spool.counts()).toMatchObject({ waiting: 0, usedBytes: 0 });
  spool.close();
});

test("a batch is bounded by number and by size, and is never empty while something waits", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  spool.append(["a", "b", "c"].map((name) => result(name.repeat(3000))));
  expect(spool.pending(0, 2, 900_000).events).toHaveLength(2);
  expect(spool.pending(0, 500, 7000).events).toHaveLength(2);
  expect(spool.pending(0, 500, 10).events).toHaveLength(1);
  expect(spool.pending(3, 500, 10).events).toEqual([]);
  spool.close();
});

test("a new epoch takes what waits along, under its ids, from 1; its reason and gap are kept for the resume", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const ids = spool.append(["a", "b", "c", "d"].map(result));
  const { epoch } = spool.place().acknowledged;
  spool.acknowledge({ epoch, seq: 2, event_id: ids[1] ?? null });
  expect(spool.place().opened).toEqual({ reason: "new-spool", gap: null });
  const gap = { epoch, from_seq: 1, to_seq: 2 };
  const opened = spool.openEpoch("spool-behind", gap);
  expect(opened.acknowledged).toEqual({ epoch: expect.not.stringContaining(epoch), seq: 0, event_id: null });
  expect(opened).toMatchObject({ lastSeq: 2, opened: { reason: "spool-behind", gap } });
  expect(all(spool).map(({ seq, event_id }) => [seq, event_id])).toEqual([
    [1, ids[2]],
    [2, ids[3]],
  ]);
  expect(spool.facts.owed()?.reason).toBe("spool-behind");
  spool.close();
});

test("the facts are owed until they were told; a debt made meanwhile stays", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const first = spool.facts.owed();
  expect(first?.reason).toBe("new-spool");
  spool.facts.owe("controller-behind");
  spool.facts.settle(first?.number ?? 0);
  const second = spool.facts.owed();
  expect(second?.reason).toBe("controller-behind");
  spool.facts.settle(second?.number ?? 0);
  expect(spool.facts.owed()).toBeNull();
  spool.close();
});

test("a write is noticed, by this process and through another connection", () => {
  using folder = testFolder();
  const daemon = openSpool(folder.path);
  const person = openSpool(folder.path);
  daemon.dataChanged();
  expect(daemon.dataChanged()).toBe(false);
  person.append([result("by hand")]);
  expect(daemon.dataChanged()).toBe(true);
  expect(daemon.dataChanged()).toBe(false);
  daemon.append([result("by schedule")]);
  expect(daemon.dataChanged()).toBe(true);
  expect(daemon.dataChanged()).toBe(false);
  daemon.close();
  person.close();
});

test("an event with a time that is none is refused, for the controller could not read any batch it stands in", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  const wrong = { ...result("a"), at: "yesterday" };
  expect(() => spool.append([result("b"), wrong])).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  expect(all(spool)).toEqual([]);
  spool.append([{ ...result("c"), at: "2026-03-01T11:00:00Z" }]);
  expect(all(spool)[0]?.at).toBe("2026-03-01T11:00:00Z");
  spool.close();
});
