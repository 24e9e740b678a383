import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../exec.ts";
import { openSpool } from "./spool.ts";
import { result, testFolder } from "./test-events.ts";

const APPENDER = join(import.meta.dirname, "test-appender.ts");

/** Starts an appender; `killAfter` lines it gets a SIGKILL. Resolves with the ids that append() had answered. */
async function appender(folder: string, name: string, count: number, killAfter = Number.POSITIVE_INFINITY) {
  let text = "";
  let kill = (): void => undefined;
  const ended = run(process.execPath, [APPENDER, folder, name, String(count)], {
    timeoutMs: 60_000,
    onStart: ({ signal }) => {
      kill = () => signal("SIGKILL");
    },
    onOutput: (piece) => {
      text += piece;
      if (text.split("\n").length > killAfter) kill();
    },
  });
  const code = await ended.then(
    ({ code }) => code,
    () => null,
  );
  const lines = text.split("\n").slice(0, -1);
  return { code, ids: lines.flatMap((line) => line.split(" ")) };
}

test("processes that append at once leave no hole and lose nothing", async () => {
  using folder = testFolder();
  const ours = openSpool(folder.path, { thorough: true });
  const others = Promise.all([appender(folder.path, "a", 150), appender(folder.path, "b", 150)]);
  const ids: string[] = [];
  let running = true;
  const ended = others.finally(() => {
    running = false;
  });
  while (running) {
    ids.push(...ours.append([result("ours")]).map(String));
    await new Promise((wake) => setTimeout(wake, 2));
  }
  const ends = await ended;
  expect(ends.map(({ code, ids }) => [code, ids.length])).toEqual([
    [0, 300],
    [0, 300],
  ]);
  const { events } = ours.pending(0, 10_000, Number.POSITIVE_INFINITY);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const expected = [...ids, ...ends.flatMap((end) => end.ids)];
  expect(events.map(({ event_id }) => event_id).sort()).toEqual(expected.sort());
  for (const { ids } of ends) expectInOrder(events, ids);
  ours.close();
});

test("a killed appender leaves no hole, nothing half appended, and everything that append() had answered", async () => {
  using folder = testFolder();
  const killed = await Promise.all([3, 40, 90, 160].map((lines, n) => appender(folder.path, `k${n}`, 100_000, lines)));
  expect(killed.map(({ code }) => code)).toEqual([null, null, null, null]);
  const spool = openSpool(folder.path, { thorough: true });
  const { events } = spool.pending(0, 100_000, Number.POSITIVE_INFINITY);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(spool.place().lastSeq).toBe(events.length);
  const there = new Set(events.map(({ event_id }) => event_id));
  for (const { ids } of killed) {
    expect(ids.length).toBeGreaterThan(2);
    expect(ids.filter((id) => !there.has(id))).toEqual([]);
  }
  const halves = Map.groupBy(events, ({ body }) => String(body["outcome"]).replace("-second", ""));
  expect([...halves.values()].every((pair) => pair.length === 2)).toBe(true);
  expect(spool.counts().usedBytes).toBeGreaterThan(0);
  spool.close();
});

function expectInOrder(events: readonly { event_id: string }[], ids: readonly string[]): void {
  const wanted = new Set(ids);
  expect(events.filter(({ event_id }) => wanted.has(event_id)).map(({ event_id }) => event_id)).toEqual(ids);
}
