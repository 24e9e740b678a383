import fc from "fast-check";
import { expect, test } from "vitest";
import { testFolder } from "../spool/test-events.ts";
import { memorySpool, type RollingSpool, rollingSpool } from "./test-memory-spool.ts";
import { makeWorld, play, type Step, type World } from "./test-resume-world.ts";

const append = fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 4 }) });
const connect = fc.record({
  do: fc.constant("connect" as const),
  cut: fc.constantFrom("before-noting" as const, "before-ready", "in-stream", "in-stream", "nowhere", "nowhere"),
  events: fc.integer({ min: 1, max: 4 }),
  told: fc.integer({ min: 0, max: 4 }),
});
const files = fc.record({
  do: fc.constantFrom("save" as const, "save" as const, "roll-back" as const),
  side: fc.constantFrom("agent" as const, "controller"),
  back: fc.integer({ min: 0, max: 3 }),
});
const anything = fc.array(fc.oneof(append, connect, files), { minLength: 8, maxLength: 40 });
const END: Step = { do: "connect", cut: "nowhere", events: 0, told: 0 };

function live(spool: RollingSpool, steps: readonly Step[], check: (world: World) => void): void {
  const world = makeWorld(spool);
  for (const step of [...steps, END, END]) play(world, step);
  check(world);
  spool.close();
}

function expectNothingLost({ controller, past, spool, beyondNaming }: World): void {
  expect(spool.pending(0, 1000)).toEqual([]);
  const applied = new Set(controller.applied);
  const inGap = ({ epoch, seq }: { epoch: string; seq: number }) =>
    controller.gaps.some((gap) => gap.epoch === epoch && gap.from_seq <= seq && seq <= gap.to_seq);
  const unknown = past.acknowledged.filter((told) => !applied.has(told.id) && !inGap(told));
  expect(unknown.filter(({ id }) => !beyondNaming.has(id))).toEqual([]);
  for (const told of unknown) expect(past.acknowledged.indexOf(told)).toBeLessThan(past.factsToldAfter);
  expect(new Set(past.acknowledged.map(({ id }) => id)).size).toBe(past.acknowledged.length);
}

test("cuts alone: every event is applied, in order, in one epoch and without a gap", () => {
  const history = fc.property(fc.array(fc.oneof(append, connect), { maxLength: 25 }), (steps) =>
    live(memorySpool(), steps, (world) => {
      expectNothingLost(world);
      expect(world.controller.gaps).toEqual([]);
      expect(world.controller.epochs.size).toBe(1);
      expect(world.controller.applied).toEqual(world.past.acknowledged.map(({ id }) => id));
    }),
  );
  fc.assert(history, { numRuns: 500 });
});

test("whatever is cut and whichever side is rolled back: an event is applied once, or lies in a recorded gap", () => {
  fc.assert(
    fc.property(anything, (steps) => live(memorySpool(), steps, expectNothingLost)),
    { numRuns: 8000 },
  );
}, 60_000);

test("the same with the real spool and its files", () => {
  const history = fc.property(anything, (steps) => {
    using folder = testFolder();
    live(rollingSpool(folder.path), steps, expectNothingLost);
  });
  fc.assert(history, { numRuns: 40 });
}, 60_000);

test("the histories that are told reach every reason", () => {
  const reasons = new Set<string>();
  for (const steps of fc.sample(anything, { numRuns: 300, seed: 3 }))
    live(memorySpool(), steps, (world) => {
      for (const reason of world.reasons) reasons.add(reason);
    });
  expect([...reasons].sort()).toEqual(["controller-behind", "in-step", "new-spool", "spool-behind"]);
});
