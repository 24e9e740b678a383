import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { runServiceKills } from "../helpers/service-kills.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));

test("the service killed at any moment of a command: both sides come to the same truth, each command to one end", async () => {
  const { summary, faults } = await runServiceKills({ seed, kills: 8, budgetMs: 15_000 });
  writeSync(1, `${JSON.stringify(summary)}\n`);
  expect(faults).toEqual([]);
  expect(summary.kills).toBeGreaterThanOrEqual(2);
});
