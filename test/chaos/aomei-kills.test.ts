/** A host's AOMEI log grows while agent and controller are killed: every entry is on the controller once. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { logXml, type TestEntry, testEntry } from "../../agent/src/aomei/test-logs.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceWorld } from "../helpers/service-world.ts";

const ENTRIES = 60;
const ROUNDS = 6;
const TASK = { id: "{97c17e9b-0c41-466b-bfad-e319dcee6b0f}", task: "System backup" };

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

test("every entry is told once, whoever is killed while the log grows", async () => {
  const world = await makeServiceWorld();
  try {
    const log = join(world.hostFolder, "brlog.xml");
    await writeFile(log, logXml([]));
    await world.configure({ aomei: { result_logs: [{ path: log }], poll_seconds: 1 } });
    const { code } = await world.cli("enroll", "--controller", world.url, "--token", await world.token());
    expect(code).toBe(0);
    let service = world.start();
    for (let round = 1; round <= ROUNDS; round++) {
      const soFar = Array.from({ length: (ENTRIES / ROUNDS) * round }, (_, n) => entry(n));
      await writeFile(log, logXml(soFar));
      await sleep(200 + round * 350);
      if (round % 3 === 0) {
        await world.stopController();
        await world.startController();
      } else {
        service.child.kill("SIGKILL");
        await service.ended;
        service = world.start();
      }
    }
    const newest = new Date(entry(ENTRIES - 1).time * 1000).toISOString();
    await world.until("/api/v1/aomei/jobs?include_executions=true", ({ data }) => {
      const [job] = data as Json[];
      return (job?.["executions"] as Json[] | undefined)?.[0]?.["date"] === newest ? job : undefined;
    });
    // SQLite's locks are of the process: two copies of it in one take them from each other.
    await world.stopController();
    expect(storedRuns(world.dataDir)).toEqual(
      Array.from({ length: ENTRIES }, (_, n) => [entry(n).time * 1000, n % 7 === 6 ? "failed" : "success"]),
    );
  } finally {
    await world.remove();
  }
});
