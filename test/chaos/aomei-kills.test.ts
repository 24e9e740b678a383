/** A host's AOMEI log grows while agent and controller are killed: every entry is on the controller once. */
import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { logXml, type TestEntry, testEntry } from "../../agent/src/aomei/test-logs.ts";
import { type ControllerWorld, makeControllerWorld } from "../helpers/controller-world.ts";
import { apiOf } from "../helpers/fleet-controller.ts";
import { runProgram, type Service, startProgram } from "../helpers/holdfast.ts";
import { randomFrom } from "../helpers/kill-random.ts";
import { sampled } from "../helpers/sample.ts";

const ROUNDS = sampled(7, 20);
const ENTRIES = 3 * ROUNDS;
const PATIENCE_MS = 60_000;
const TASK = { id: "{97c17e9b-0c41-466b-bfad-e319dcee6b0f}", task: "System backup" };
const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));

/** An hour's worth, a minute apart; every seventh failed. */
function entry(n: number): TestEntry {
  return testEntry({ ...TASK, time: 1_767_225_600 + n * 60, code: n % 7 === 6 ? 4103 : 0, detail: `run ${n}` });
}

/** What the controller's database holds, by the time of the run's end. */
function storedRuns(dataDir: string): [number, string][] {
  using database = new DatabaseSync(join(dataDir, "controller.db"), { readOnly: true });
  const rows = database.prepare("select ended_at, status from aomei_runs order by ended_at").all();
  return rows.map(({ ended_at, status }) => [Number(ended_at), String(status)]);
}

/** Starts the controller, enrols a host that reads the log, and gives both as who may be killed. */
async function begin(world: ControllerWorld, log: string) {
  let controller = await world.start({ args: ["--name", "127.0.0.1"] });
  const { httpsPort, agentPort, url } = controller;
  const ports = ["--https-port", String(httpsPort), "--agent-port", String(agentPort)];
  const api = await apiOf({ dataDir: world.data, database: null, httpsPort, agentPort });
  const config = join(world.folder, "agent.json");
  const state_dir = join(world.folder, "state");
  await writeFile(config, JSON.stringify({ state_dir, aomei: { result_logs: [{ path: log }], poll_seconds: 1 } }));
  const { body } = await api.call("POST", "/api/v1/enrolment-tokens", {});
  const enrol = ["--config", config, "enroll", "--controller", url, "--token", String(body["token"])];
  expect(await runProgram("holdfast-agent", enrol)).toMatchObject({ code: 0 });
  const serve = (): Service => world.keep(startProgram("holdfast-agent", ["--config", config, "serve"]));
  let service = serve();
  return {
    killAgent: async () => {
      await service.end("SIGKILL");
      service = serve();
    },
    killController: async () => {
      await controller.end("SIGKILL");
      controller = await world.start({ args: ["--name", "127.0.0.1", ...ports] });
    },
    endController: () => controller.end("SIGTERM"),
    /** When the task's newest run ended, as the API tells it. */
    newest: async () => {
      const { body: answer } = await api.call("GET", "/api/v1/aomei/jobs?include_executions=true");
      const [job] = (answer["data"] ?? []) as { executions: { date: string }[] }[];
      return job?.executions[0]?.date;
    },
  };
}

test(`every entry is told once, whoever is killed while the log grows (seed ${seed})`, async () => {
  const random = randomFrom(seed, "aomei");
  await using world = await makeControllerWorld();
  await mkdir(world.folder, { recursive: true });
  const log = join(world.folder, "brlog.xml");
  await writeFile(log, logXml([]));
  const host = await begin(world, log);
  for (let round = 1; round <= ROUNDS; round++) {
    const soFar = Array.from({ length: (ENTRIES / ROUNDS) * round }, (_, n) => entry(n));
    await writeFile(log, logXml(soFar));
    await sleep(random.below(3000));
    const who = random.below(3);
    if (who > 0) await host.killAgent();
    if (who !== 1) await host.killController();
  }
  const last = new Date(entry(ENTRIES - 1).time * 1000).toISOString();
  await expect.poll(host.newest, { timeout: PATIENCE_MS, interval: 200 }).toBe(last);
  await host.endController();
  const expected = Array.from({ length: ENTRIES }, (_, n) => [
    entry(n).time * 1000,
    n % 7 === 6 ? "failed" : "success",
  ]);
  expect(storedRuns(world.data)).toEqual(expected);
});
