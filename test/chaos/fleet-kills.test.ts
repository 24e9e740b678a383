/** A small sample of `npm run test:long -- fleet-kills`; HOLDFAST_SEED replays one. */
import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { runFleetKills } from "../helpers/fleet-kills.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));

test("kill -9 of agents and controller at ingest, commands and enrolment: each fact counts once", async () => {
  const { summary, facts, commands, faults } = await runFleetKills({
    seed,
    kills: 14,
    database: null,
    budgetMs: 12_000,
  });
  writeSync(1, `${JSON.stringify(summary)}\n`);
  expect(faults).toEqual([]);
  expect(summary).toMatchObject({ false_completed: 0, lost: 0, doubled: 0 });
  expect(summary.kills).toBeGreaterThanOrEqual(4);
  expect(facts).toBeGreaterThan(100);
  expect(commands).toBeGreaterThan(5);
});
