import fc from "fast-check";
import { expect, it } from "vitest";
import { createTurns } from "./turns.ts";

const never = new AbortController().signal;
const settled = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

it("gives each item to one at a time, in order, and never more than so many at once", async () => {
  const orders = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      orders,
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.nat()),
      async (items, atOnce, picks) => {
        const turns = createTurns(atOnce);
        const active: { item: number; index: number; turn: Disposable }[] = [];
        const done: number[] = [];
        items.forEach((item, index) => {
          void turns.take(String(item), never).then((turn) => active.push({ item, index, turn }));
        });
        while (done.length < items.length) {
          await settled();
          expect(active.length).toBeGreaterThan(0);
          expect(active.length).toBeLessThanOrEqual(atOnce);
          expect(new Set(active.map(({ item }) => item)).size).toBe(active.length);
          const [one] = active.splice(Number(picks.next().value) % active.length, 1);
          expect(done.filter((index) => items[index] === one?.item).every((index) => index < (one?.index ?? 0))).toBe(
            true,
          );
          if (one !== undefined) done.push(one.index);
          one?.turn[Symbol.dispose]();
        }
      },
    ),
  );
});

it("lets who waits give up, with the reason, and the next one come", async () => {
  const turns = createTurns(1);
  const first = await turns.take("a", never);
  const impatient = new AbortController();
  const second = turns.take("a", impatient.signal);
  const third = turns.take("b", never);
  impatient.abort(new Error("enough"));
  await expect(second).rejects.toThrow("enough");
  await expect(turns.take("a", impatient.signal)).rejects.toThrow("enough");
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  (await turns.take("a", never))[Symbol.dispose]();
});

it("what was asked for goes before what is merely due, also when it came later", async () => {
  const turns = createTurns(1);
  const first = await turns.take("a", never, "due");
  const order: string[] = [];
  const ranks = ["due", "due", "asked", "due", "asked"] as const;
  const all = ranks.map(async (rank, index) => {
    using _turn = await turns.take(`${index}`, never, rank);
    order.push(`${rank} ${index}`);
  });
  first[Symbol.dispose]();
  await Promise.all(all);
  expect(order).toEqual(["asked 2", "asked 4", "due 0", "due 1", "due 3"]);
});
