import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { oneByOne } from "./one-by-one.ts";

it("runs one at a time, in order, also when one fails", async () => {
  const run = oneByOne();
  const seen: string[] = [];
  const piece = (name: string, ms: number) => async () => {
    seen.push(`${name} begins`);
    await pause(ms);
    seen.push(`${name} ends`);
    if (name === "two") throw new Error("no");
    return name;
  };
  const all = await Promise.allSettled([run(piece("one", 15)), run(piece("two", 5)), run(piece("three", 1))]);
  expect(seen).toEqual(["one", "two", "three"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it("does not wait for itself, and what it left behind waits as all others do", async () => {
  const run = oneByOne();
  const left: Promise<string>[] = [];
  const late = async () => {
    await pause(5);
    return await run(async () => "late");
  };
  const outer = run(async () => {
    left.push(late());
    return await run(async () => "inner");
  });
  expect(await outer).toBe("inner");
  let isFree = false;
  const other = run(async () => {
    await pause(20);
    isFree = true;
  });
  await Promise.all(left.map(async (each) => expect([await each, isFree]).toEqual(["late", true])));
  await other;
});
