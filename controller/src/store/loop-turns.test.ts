import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loopTurns } from "./loop-turns.ts";
import { inBackground, inForeground } from "./precedence.ts";
import { putSetting, readSetting } from "./settings.ts";
import { openSqlite } from "./sqlite-engine.ts";

const LONG_MS = 150;

/** Timers that ran while `step` was done again and again. */
async function timersDuring(step: () => Promise<unknown>): Promise<number> {
  let ran = 0;
  const timer = setInterval(() => {
    ran += 1;
  }, 1);
  const start = performance.now();
  while (performance.now() - start < LONG_MS) await step();
  clearInterval(timer);
  return ran;
}

async function openStore() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-turns-"));
  const store = openSqlite({ file: join(folder, "controller.db") });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

describe("a job of very many small steps", () => {
  it("lets timers and sockets have their turn between its reads", async () => {
    const store = await openStore();
    expect(await timersDuring(() => store.read((db) => readSetting(db, "any")))).toBeGreaterThan(3);
  });

  it("lets timers and sockets have their turn between its writes", async () => {
    const store = await openStore();
    expect(await timersDuring(() => store.write((db) => putSetting(db, "any", 1)))).toBeGreaterThan(3);
  });
});

describe("a job of many statements in one piece of work", () => {
  it("lets timers and sockets have their turn between the statements of a read", async () => {
    const store = await openStore();
    const ran = await inBackground(() => store.read((db) => timersDuring(() => readSetting(db, "any"))));
    expect(ran).toBeGreaterThan(3);
  });

  it("lets timers and sockets have their turn between the statements of a transaction", async () => {
    const store = await openStore();
    const ran = await inBackground(() => store.write((db) => timersDuring(() => putSetting(db, "any", 1))));
    expect(ran).toBeGreaterThan(3);
    expect(await store.read((db) => readSetting(db, "any"))).toBe(1);
  });
});

describe("loopTurns", () => {
  it("lets a statement of the background begin while the turn is young, and one that somebody waits for always", async () => {
    let elapsed = 0;
    const { inRead } = loopTurns({ backgroundMs: 2, patienceMs: 60_000, elapsed: () => elapsed });
    const { promise, resolve } = Promise.withResolvers<void>();
    await inForeground(async () => {
      await inBackground(async () => {
        expect(inRead()).toBeNull();
        elapsed = 2;
        void inRead()?.then(resolve);
      });
      await new Promise((wake) => setTimeout(wake, 20));
      // Not behind the background, which waits for this one's end.
      expect(inRead()).toBeNull();
    });
    await promise;
  });

  it("lets statements of the background begin in the order of the calls", async () => {
    let elapsed = 0;
    const { inRead } = loopTurns({ backgroundMs: 2, elapsed: () => elapsed });
    const begun: number[] = [];
    await inBackground(async () => {
      expect(inRead()).toBeNull();
      elapsed = 2;
      const first = inRead()?.then(() => begun.push(1));
      elapsed = 0;
      const second = inRead()?.then(() => begun.push(2));
      await Promise.all([first, second]);
    });
    expect(begun).toEqual([1, 2]);
  });

  it("spreads statements that were begun together over turns, and each turn takes at least one", async () => {
    const { inTransaction } = loopTurns({ backgroundMs: 2 });
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 1);
    const begun: number[] = [];
    const statement = async (number: number) => {
      for (let wait = inTransaction(); wait !== null; wait = inTransaction()) await wait;
      begun.push(number);
      for (const from = performance.now(); performance.now() - from < 3; );
    };
    await inBackground(() => Promise.all(Array.from({ length: 20 }, (_, index) => statement(index))));
    clearInterval(counting);
    expect(begun).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(turns).toBeGreaterThan(10);
  });

  it("lets a transaction of the background go on though somebody waits: it may be for its end", async () => {
    let elapsed = 0;
    const { inTransaction } = loopTurns({ backgroundMs: 2, patienceMs: 60_000, elapsed: () => elapsed });
    await inForeground(() =>
      inBackground(async () => {
        expect(inTransaction()).toBeNull();
        elapsed = 2;
        await inTransaction();
      }),
    );
  });

  it("waits for nobody while the turn is young, and for the next turn when it is old", async () => {
    let elapsed = 0;
    const turns = loopTurns({ longestMs: 10, elapsed: () => elapsed });
    let passed = 0;
    const next = () => setImmediate(() => (passed += 1));
    next();
    await turns.mine();
    elapsed = 9;
    await turns.mine();
    expect(passed).toBe(0);
    elapsed = 10;
    await turns.mine();
    expect(passed).toBe(1);
    elapsed = 19;
    await turns.mine();
    expect(passed).toBe(1);
  });

  it("wakes all who wait in the same turn, in the order in which they came", async () => {
    let elapsed = 0;
    const turns = loopTurns({ longestMs: 10, elapsed: () => elapsed });
    await turns.mine();
    elapsed = 50;
    const woken: string[] = [];
    const wait = async (name: string) => {
      await turns.mine();
      woken.push(name);
    };
    await Promise.all([wait("first"), wait("second"), wait("third")]);
    expect(woken).toEqual(["first", "second", "third"]);
  });

  it("the background's turn is over sooner than that of others", async () => {
    let elapsed = 0;
    const turns = loopTurns({ longestMs: 10, backgroundMs: 2, elapsed: () => elapsed });
    let passed = 0;
    setImmediate(() => (passed += 1));
    await turns.mine();
    elapsed = 2;
    await turns.mine();
    expect(passed).toBe(0);
    await inBackground(() => turns.mine());
    expect(passed).toBe(1);
  });

  it("the background waits for the end of what somebody waits for", async () => {
    const turns = loopTurns({ patienceMs: 60_000 });
    const order: string[] = [];
    const asked = Promise.withResolvers<void>();
    const answer = inForeground(() => asked.promise).then(() => order.push("answered"));
    const job = inBackground(() => turns.mine()).then(() => order.push("job"));
    await turns.mine();
    order.push("another request");
    setTimeout(asked.resolve, 20);
    await Promise.all([answer, job]);
    expect(order.toSorted()).toEqual(["another request", "answered", "job"]);
    expect(order[0]).toBe("another request");
  });

  it("but not for longer than its patience: what is waited for may wait for it", async () => {
    const turns = loopTurns({ patienceMs: 20 });
    const never = Promise.withResolvers<void>();
    const asked = inForeground(() => never.promise);
    await inBackground(() => turns.mine());
    never.resolve();
    await asked;
  });
});
