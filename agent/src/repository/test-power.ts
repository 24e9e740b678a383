/** A machine whose power goes at a chosen durable step; for tests that mock `durable.ts` with it. */
import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import type * as durable from "../durable.ts";

export type Cut = "half" | "after";

/** The machine stops at step `at`: that one does half of its work or all of it, and none after it happens. */
const power = { step: 0, at: Number.POSITIVE_INFINITY, how: "half" as Cut };

/** The real helpers, each of them a step. */
export function cutDurable(real: typeof durable): typeof durable {
  const cut = async (work: () => Promise<void>, half: () => Promise<void>): Promise<void> => {
    power.step += 1;
    if (power.step < power.at) return await work();
    if (power.step === power.at && power.how === "after") await work();
    if (power.step === power.at && power.how === "half") await half();
    throw new Error("power cut");
  };
  const nothing = async () => undefined;
  return {
    ...real,
    writeDurably: (path, content) =>
      cut(
        () => real.writeDurably(path, content),
        () => writeFile(`${path}.0a1b2c3d.partial`, content.slice(0, content.length / 2)),
      ),
    removeDurably: (path) => cut(() => real.removeDurably(path), nothing),
    renameDurably: (from, to) => cut(() => real.renameDurably(from, to), nothing),
    syncFile: (path) => cut(() => real.syncFile(path), nothing),
  };
}

export function powerOn(): void {
  power.step = 0;
  power.at = Number.POSITIVE_INFINITY;
}

/** Runs `work` until the power goes at step `at`; false when it had ended before. */
export async function cutAt(at: number, how: Cut, work: () => Promise<unknown>): Promise<boolean> {
  Object.assign(power, { step: 0, at, how });
  await work().catch((error: unknown) => expect(String(error)).toMatch(/power cut/));
  const { step } = power;
  powerOn();
  return step >= at;
}
