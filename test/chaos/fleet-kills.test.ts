/** A small sample of `npm run test:long -- fleet-kills`; HOLDFAST_SEED replays one. */
import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { newDatabase } from "../../controller/src/store/test-stores.ts";
import { runFleetKills } from "../helpers/fleet-kills.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));
/** A number and no time: a busy machine takes longer, and is killed as often. */
const KILLS = 5;

test.each(["sqlite", "postgres"] as const)(
  "kill -9 of agents and controller at ingest, commands and enrolment: each fact counts once (%s)",
  async (engine) => {
    const database = engine === "postgres" ? await newDatabase() : null;
    const { summary, facts, commands, faults } = await runFleetKills({ seed, kills: KILLS, database });
    writeSync(1, `${JSON.stringify({ ...summary, database: engine })}\n`);
    expect(faults).toEqual([]);
    expect(summary).toMatchObject({ false_completed: 0, lost: 0, doubled: 0 });
    expect(summary.kills).toBeGreaterThanOrEqual(KILLS);
    expect(facts).toBeGreaterThan(25);
    expect(commands).toBeGreaterThan(2);
  },
);
