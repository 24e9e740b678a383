/** A small sample of `npm run test:long -- kills`; HOLDFAST_SEED replays one. */
import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { runKills } from "../helpers/kill-run.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));
const operations = ["agent increment", "bitmap increment", "remove chain", "agent drill"];

test("kill -9 at any moment: nothing false, nothing lost, nothing twice, and the next run works", async () => {
  const { summary, faults } = await runKills({ seed, kills: 16, operations, budget: { ms: 14_000, atLeast: 4 } });
  writeSync(1, `${JSON.stringify(summary)}\n`);
  expect(faults).toEqual([]);
  expect(summary).toMatchObject({ false_completed: 0, lost: 0, doubled: 0 });
  expect(summary.points).toBeGreaterThanOrEqual(4);
});
