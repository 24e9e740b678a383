import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { runTellingKills } from "../helpers/telling-kills.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));

test("kill -9 at any moment: what is told is what is so, once, after the next command", async () => {
  const { summary, faults } = await runTellingKills({ seed, kills: 12, budgetMs: 15_000 });
  writeSync(1, `${JSON.stringify(summary)}\n`);
  expect(faults).toEqual([]);
  expect(summary.kills).toBeGreaterThanOrEqual(3);
});
