/** Real backups that the API asks for, while their agent and their controller are killed: what is said is what is there. */
import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pause, until } from "../helpers/fleet-process.ts";
import { makeRealHost, type RealHost } from "../helpers/fleet-real-host.ts";
import { endFleet, type Fleet, makeFleet, replaceController } from "../helpers/fleet-world.ts";
import { type Random, randomFrom } from "../helpers/kill-random.ts";
import { sampled } from "../helpers/sample.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));
const ROUNDS = sampled(2, 4);
/** Steps around a backup, on either side. */
const STEPS = ["COMMIT", "INSERT events", "INSERT commands", "UPDATE commands", "send events", "hear acknowledged"];

type Row = Record<string, unknown>;
let fleet: Fleet;
let host: RealHost;
let agent: ReturnType<RealHost["start"]>;

beforeEach(async () => {
  fleet = await makeFleet(randomFrom(seed, "backups"), null, 0);
  host = await makeRealHost(fleet);
  agent = host.start(null);
});
afterEach(async () => {
  agent.kill("SIGKILL");
  await agent.ended;
  await endFleet(fleet);
});

async function rows(path: string, name: string): Promise<Row[]> {
  const { body } = await fleet.api.call("GET", path);
  return (body[name] ?? []) as Row[];
}

/** A host that was killed tells that its run was lost, and only then hears that the command still stands. */
async function hasEverythingEnded(): Promise<boolean> {
  const backups = await rows("/api/v1/backup/list?limit=200", "backups");
  const commands = await rows("/api/v1/commands?limit=200", "commands");
  return [...backups.map((row) => row["status"]), ...commands.map((row) => row["state"])].every((end) =>
    ["completed", "failed", "cancelled", "done", "refused", "expired"].includes(String(end)),
  );
}

function drawStep(random: Random) {
  const whens = ["before", "after", "later"] as const;
  const step = STEPS[random.below(STEPS.length)] ?? "COMMIT";
  return { step, nth: 1 + random.below(6), when: whens[random.below(3)] ?? "before" };
}

async function restartAgent(kill: Parameters<RealHost["start"]>[0]): Promise<void> {
  agent.kill("SIGKILL");
  await agent.ended;
  agent = host.start(kill);
}

test("every backup that was asked for has one end, and the completed ones are those in the repository", async () => {
  const random = randomFrom(seed, "rounds");
  await until("the item is known", async () => (await rows("/api/v1/items", "items")).length === 1);
  const asked = new Map<string, unknown>();
  for (let round = 0; round < ROUNDS; round++) {
    await host.change();
    const kill = drawStep(random);
    if (round % 2 === 0) await restartAgent(kill);
    else await replaceController(fleet, kill);
    const body = { vm_name: "web", backup_type: random.below(2) === 0 ? "full" : "incremental", repository_id: "main" };
    const asking = fleet.api.call("POST", "/api/v1/backup/start", body, `backup-${round}`);
    const victim = round % 2 === 0 ? agent : fleet.controller.process;
    await Promise.race([victim.ended, pause(1500 + random.below(1500))]);
    if (round % 2 === 0) await restartAgent(null);
    else await replaceController(fleet, null);
    const answer = await asking;
    // Both sides at once, from time to time.
    if (random.below(3) === 0) await Promise.all([restartAgent(null), replaceController(fleet, null)]);
    if (answer.status === 202) asked.set(`backup-${round}`, answer.body["backup_id"]);
    else expect(answer).toMatchObject({ status: 409, body: { code: "ALREADY_RUNNING" } });
    await until("everything has its end", hasEverythingEnded);
  }
  const backups = await rows("/api/v1/backup/list?limit=200", "backups");
  const commands = await rows("/api/v1/commands?limit=200", "commands");
  const completed = backups.filter((row) => row["status"] === "completed").map((row) => String(row["backup_id"]));
  const shown = JSON.stringify({ seed, asked: asked.size, completed: completed.length, commands: commands.length });
  writeSync(1, `${shown}\n`);
  expect(completed.toSorted()).toEqual((await host.made()).toSorted());
  expect(commands).toHaveLength(asked.size);
  for (const id of asked.values()) expect(backups.filter((row) => row["backup_id"] === id)).toHaveLength(1);
  await until("no run goes on", async () => {
    return (await rows("/api/v1/executions?state=running", "executions")).length === 0;
  });
});
