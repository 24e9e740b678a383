import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inBackground } from "./precedence.ts";
import { writerQueue } from "./writer-queue.ts";

/** A queue whose tasks note their names, and one task that holds it up until `go`. */
function heldUp() {
  const queue = writerQueue();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const holding = queue.run(() => gate.promise);
  const note = (name: string) =>
    queue.run(async () => {
      await turn();
      order.push(name);
    });
  return { queue, order, note, go: () => Promise.all([gate.resolve(), holding]) };
}

describe("writerQueue", () => {
  it("runs one at a time, in the order of the calls, whatever becomes of them", async () => {
    const { queue, order, note, go } = heldUp();
    const failed = queue.run(() => Promise.reject(new Error("its own")));
    const done = ["first", "second", "third"].map(note);
    await go();
    await expect(failed).rejects.toThrow("its own");
    await Promise.all(done);
    expect(order).toEqual(["first", "second", "third"]);
  });

  it("lets the background wait for all whom somebody waits for, but not for ever", async () => {
    const { order, note, go } = heldUp();
    const back = ["b1", "b2"].map((name) => inBackground(() => note(name)));
    const front = Array.from({ length: 12 }, (_, index) => note(`f${index}`));
    await go();
    await Promise.all([...back, ...front]);
    const first = order.indexOf("b1");
    expect(first).toBeGreaterThanOrEqual(7);
    expect(first).toBeLessThan(12);
    expect(order.filter((name) => name.startsWith("f"))).toEqual(front.map((_, index) => `f${index}`));
    expect(order.indexOf("b2")).toBeGreaterThan(first);
  });

  it("drains when everything that was queued has ended, failures too", async () => {
    const { queue, order, note, go } = heldUp();
    queue.run(() => Promise.reject(new Error("its own"))).catch(() => undefined);
    void note("front");
    void inBackground(() => note("back"));
    const drained = queue.drained();
    await go();
    await drained;
    expect(order).toEqual(["front", "back"]);
    await writerQueue().drained();
  });

  it("refuses a task inside a task, which would wait for ever, and goes on", async () => {
    const { run } = writerQueue();
    await expect(run(() => run(async () => 1))).rejects.toThrow("inside a write");
    expect(await run(async () => 2)).toBe(2);
  });
});
