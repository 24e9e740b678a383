import { afterEach, expect, test, vi } from "vitest";
import { takeWorker, warmUpWorkers } from "./worker-pool.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a worker that was warmed up twice is not ended while it serves", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  warmUpWorkers(1);
  vi.advanceTimersByTime(20_000);
  warmUpWorkers(1);
  const worker = takeWorker();
  const heard = Promise.withResolvers<string>();
  worker.listen({ reply: ({ kind }) => heard.resolve(kind), died: () => heard.resolve("died") });
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  worker.post({ kind: "close" });
  setTimeout(() => heard.resolve("nothing"), 3_000).unref();
  expect(await heard.promise).toBe("closed");
  worker.discard();
});
