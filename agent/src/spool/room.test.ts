import { expect, test } from "vitest";
import { openSpool } from "./spool.ts";
import { logLine, result, testFolder } from "./test-events.ts";

const all = (spool: ReturnType<typeof openSpool>) => spool.pending(0, 500, 900_000).events;

test("log lines have the first half only; they are counted when given up, and told of when there is room", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path, { limits: { maxBytes: 20_000, diskReserveBytes: 0 } });
  while (spool.counts().room === "ample") spool.append([result("x".repeat(1000))]);
  expect(spool.append([logLine("one"), result("kept"), logLine("two")])).toEqual([null, expect.any(String), null]);
  expect(spool.counts()).toMatchObject({ dropped: 2, room: "tight" });
  const { lastSeq, acknowledged } = spool.place();
  expect(spool.acknowledge({ ...acknowledged, seq: lastSeq, event_id: spool.eventIdAt(lastSeq) })).toBe(true);
  expect(all(spool).map(({ kind, body }) => [kind, body])).toEqual([
    ["dropped", { kind: "log", count: 2, since: expect.any(String) }],
  ]);
  expect(spool.append([logLine("three")])).toEqual([expect.any(String)]);
  expect(spool.counts()).toMatchObject({ dropped: 0, waiting: 2 });
  spool.close();
});

test("results are taken beyond the bound: waiting log lines make room and keep their places", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path, { limits: { maxBytes: 40_000, diskReserveBytes: 0 } });
  const logs = Array.from({ length: 4 }, (_, n) => spool.append([logLine(`${n}`.repeat(3900))])[0]);
  const results = Array.from({ length: 14 }, () => spool.append([result("y".repeat(1800))])[0]);
  expect(spool.counts().usedBytes).toBeLessThan(33_000);
  const waiting = all(spool);
  expect(waiting.map(({ event_id }) => event_id)).toEqual([...logs, ...results]);
  expect(waiting.slice(0, 4).map(({ kind }) => kind)).toEqual(["dropped", "dropped", "dropped", "dropped"]);
  expect(waiting.slice(4).every(({ kind }) => kind === "run_finished")).toBe(true);
  for (let n = 0; n < 20; n++) spool.append([result("y".repeat(1800))]);
  expect(spool.counts()).toMatchObject({ room: "full", waiting: 38 });
  spool.close();
});

test("at the reserve no new run begins, while the ends of runs still fit", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path, { limits: { maxBytes: 20_000, diskReserveBytes: 0 } });
  while (spool.counts().room !== "full") spool.append([result("x".repeat(1000))]);
  const full = { code: "SPOOL_FULL", remedy: expect.any(String) };
  expect(() => spool.assertRoom()).toThrow(expect.objectContaining(full));
  expect(spool.append([result("the end of a run")])).toEqual([expect.any(String)]);
  const { lastSeq, acknowledged } = spool.place();
  spool.acknowledge({ ...acknowledged, seq: lastSeq, event_id: null });
  expect(() => spool.assertRoom()).not.toThrow();
  spool.close();
});

test("a disk that is nearly full counts as a full spool", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path, { limits: { diskReserveBytes: 2 ** 60 } });
  expect(() => spool.assertRoom()).toThrow(expect.objectContaining({ code: "SPOOL_FULL" }));
  expect(spool.append([logLine("given up"), result("taken")])).toEqual([null, expect.any(String)]);
  spool.close();
});
