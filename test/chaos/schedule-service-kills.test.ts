/** The service killed at any commit of a night's work: each night has one backup, one verification and one drill, all told. */
import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { randomFrom } from "../helpers/kill-random.ts";
import { makeScheduleHost, type ScheduleHost } from "../helpers/schedule-host.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(1_000_000));
const PRELOAD = resolve(import.meta.dirname, "fleet/kill-at.ts");
const BUDGET_MS = 10_000;
const NIGHT_MS = 60_000;

const isOver = ({ state }: Json): boolean => state !== "running";

/** Until the night's work is done, or nobody is left to do it. */
async function until(host: ScheduleHost, isEnough: (runs: Json[]) => boolean, ended: Promise<unknown>): Promise<void> {
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  for (const late = performance.now() + NIGHT_MS; performance.now() < late && !gone; )
    if (isEnough(await host.runs())) return;
    else await new Promise((wake) => setTimeout(wake, 20));
}

const isDone = (runs: Json[]): boolean =>
  runs.every(isOver) &&
  ["backup", "verify", "drill"].every((kind) =>
    runs.some((run) => run["kind"] === kind && run["state"] === "completed"),
  );

it("whatever the kill leaves, no night is missed and none is done twice", async () => {
  const random = randomFrom(seed, "schedule");
  const host = await makeScheduleHost(
    ({ agentId }) => ({
      ...{ name: "nightly", items: [{ agent_id: agentId, vm_context_id: "web-1" }] },
      backup: { schedule: { cron: "0 3 * * *", zone: "UTC" }, retries: 5, retry_seconds: 1 },
    }),
    256 * 1024,
  );
  const begun = performance.now();
  const known = new Set<string>();
  let kills = 0;
  try {
    await host.stop();
    while (kills < 1 || performance.now() - begun < BUDGET_MS) {
      await host.writeDisk();
      await host.forgetRuns();
      host.asleep(1);
      const kill = { step: "COMMIT", nth: 1 + random.below(22), when: random.below(2) === 0 ? "before" : "after" };
      const dying = host.start({ HOLDFAST_FLEET_KILL: JSON.stringify(kill) }, ["--import", PRELOAD]);
      await until(host, isDone, dying.ended);
      await host.stop("SIGKILL");
      const living = host.start();
      await until(host, isDone, living.ended);
      await host.stop();
      const runs = await host.runs();
      const completed = runs.filter(({ state }) => state === "completed").map(({ kind }) => kind);
      expect([kill, completed.toSorted()]).toEqual([kill, ["backup", "drill", "verify"]]);
      for (const { run_id } of runs) known.add(String(run_id));
      kills += 1;
    }
    host.start();
    await host.until("/api/v1/executions?limit=200", ({ executions }) => {
      const told = new Map((executions as Json[]).filter(isOver).map((run) => [String(run["run_id"]), run["state"]]));
      // What was told before its record stood is told as lost.
      const others = [...told].filter(([id, state]) => !known.has(id) && state !== "lost");
      return others.length === 0 && [...known].every((id) => told.has(id)) ? true : undefined;
    });
    writeSync(1, `${JSON.stringify({ seed, kills, runs: known.size })}\n`);
  } finally {
    await host.remove();
  }
});
