import fc from "fast-check";
import { expect, it } from "vitest";
import { openLogSync } from "./sqlite-log-sync.ts";

const never = (error: unknown): never => {
  throw error;
};

/** A medium whose syncs end when told to: `onMedium` is what the last one that ended has brought there. */
function slowMedium() {
  const medium = { written: 0, onMedium: 0, begun: 0, underWay: [] as (() => void)[] };
  async function sync(): Promise<void> {
    medium.begun += 1;
    const written = medium.written;
    await new Promise<void>((resolve) => medium.underWay.push(resolve));
    medium.onMedium = written;
  }
  const log = openLogSync(sync, never);
  return {
    medium,
    log,
    commit() {
      medium.written += 1;
      log.committed();
      return medium.written;
    },
  };
}

/** All promises that can go on have gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("answers at once when nothing was committed since", async () => {
  const { log, medium, commit } = slowMedium();
  await log.reached();
  commit();
  const first = log.reached();
  medium.underWay.shift()?.();
  await first;
  await log.reached();
  expect(medium.begun).toBe(1);
});

it("whoever is answered has all that was committed before the question on the medium, whatever the order", async () => {
  const step = fc.constantFrom("commit", "ask", "commit and ask", "end a sync");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { log, medium, commit } = slowMedium();
      const waiting = new Set<number>();
      let asked = 0;
      const ask = () => {
        const [id, upTo] = [asked++, medium.written];
        waiting.add(id);
        void log.reached().then(() => {
          waiting.delete(id);
          expect(medium.onMedium).toBeGreaterThanOrEqual(upTo);
        });
      };
      for (const each of steps) {
        if (each.startsWith("commit")) commit();
        if (each.endsWith("ask")) ask();
        if (each === "end a sync") medium.underWay.shift()?.();
        if (each === "end a sync") await settled();
        expect(medium.underWay.length).toBeLessThanOrEqual(1);
      }
      await settled();
      while (medium.underWay.length > 0) {
        medium.underWay.shift()?.();
        await settled();
      }
      expect(waiting.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});

it("twenty commits during one sync share the next", async () => {
  const { log, medium, commit } = slowMedium();
  const answers = Array.from({ length: 20 }, () => {
    commit();
    return log.reached();
  });
  while (medium.onMedium < 20) {
    medium.underWay.shift()?.();
    await settled();
  }
  await Promise.all(answers);
  expect(medium.begun).toBe(2);
});

it("after a failure nothing is said to be on the medium any more, also by a sync that would succeed", async () => {
  const told: unknown[] = [];
  let calls = 0;
  const log = openLogSync(
    async () => {
      calls += 1;
      if (calls === 1) throw new Error("EIO");
    },
    (error) => told.push(error),
  );
  log.committed();
  const first = log.reached();
  log.committed();
  const second = log.reached();
  await expect(first).rejects.toThrow("EIO");
  await expect(second).rejects.toThrow("EIO");
  await expect(log.reached()).rejects.toThrow("EIO");
  expect(calls).toBe(1);
  expect(told).toHaveLength(1);
});
