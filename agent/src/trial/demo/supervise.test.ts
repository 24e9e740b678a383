import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keepRunning, type Running } from "./supervise.ts";

let folder: string;
let running: Running | undefined;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-supervise-"));
  said = [];
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(folder, { recursive: true });
});

function start(script: string): Running {
  running = keepRunning(
    {
      name: "the tester",
      command: "/bin/sh",
      args: ["-c", script],
      logFile: join(folder, "log"),
      readyWhen: /ready/,
    },
    (sentence) => said.push(sentence),
  );
  return running;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    expect(tries).toBeLessThan(400);
    await sleep(25);
  }
}

/** One that waits to be collected counts as gone. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

it("starts a killed program again, says both pids, and stops the last one", async () => {
  const one = start("echo ready; exec sleep 100");
  await until(() => one.pid() !== null);
  const first = one.pid() ?? 0;
  process.kill(first, "SIGKILL");
  await until(() => one.pid() !== null && one.pid() !== first);
  const second = one.pid() ?? 0;
  expect(said).toEqual([
    `the tester: pid ${first}`,
    `the tester (pid ${first}) was killed; it is started again`,
    `the tester: pid ${second}`,
  ]);
  expect(await isAlive(second)).toBe(true);
  await one.stop();
  expect(await isAlive(second)).toBe(false);
  expect(one.restarts()).toBe(1);
});

it("gives a program up that cannot start, with its last lines", async () => {
  const one = start("echo why it cannot >&2; exit 7");
  await expect(one.givenUp).rejects.toMatchObject({
    code: "TOOL_FAILED",
    message: expect.stringContaining("the tester ended with code 7 again and again"),
    details: expect.stringContaining("why it cannot"),
  });
  expect(one.restarts()).toBe(5);
});

it("gives a program up at once that is not there", async () => {
  const one = start("exec no-such-program-at-all");
  await expect(one.givenUp).rejects.toMatchObject({ code: "TOOL_MISSING" });
  expect(one.restarts()).toBe(1);
});
