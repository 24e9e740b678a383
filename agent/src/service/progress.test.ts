import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createProgressFeed } from "./progress.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("tells the newest of each run, at once and then once a second", () => {
  const sent: string[][] = [];
  const feed = createProgressFeed(
    (runs) => void sent.push(runs.map(({ run_id, done }) => `${run_id} ${done}`)),
    () => new Date(0),
  );
  const update = (runId: string, done: number): void =>
    feed.update({ runId, kind: "backup", subject: "vm", diskId: 0, phase: "copy", done, total: 9 });
  update("a", 1);
  vi.advanceTimersByTime(1);
  for (let done = 2; done < 8; done++) update("a", done);
  update("b", 1);
  vi.advanceTimersByTime(990);
  expect(sent).toEqual([["a 1"]]);
  vi.advanceTimersByTime(10);
  expect(sent).toEqual([["a 1"], ["a 7", "b 1"]]);
  vi.advanceTimersByTime(5000);
  update("a", 8);
  feed.stop();
  vi.advanceTimersByTime(5000);
  expect(sent).toHaveLength(2);
});
