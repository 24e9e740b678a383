import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../exec.ts";
import { acquireLock, acquireLockWithin } from "./lock.ts";

async function lockFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, ".lock");
}

/** Another process that takes the lock and keeps it; resolves once it has answered. */
async function otherProcess(file: string) {
  const script = `
    import { acquireLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
    try { await acquireLock(${JSON.stringify(file)}, "their work"); console.log("held " + process.pid); }
    catch (error) { console.log(error.code); process.exit(0); }
    // Rubbish to collect: a lock must not end because nobody refers to it.
    setInterval(() => { globalThis.rubbish = Array.from({ length: 1e5 }, () => ({})); globalThis.gc(); }, 10);`;
  const { promise, resolve } = Promise.withResolvers<string>();
  const args = ["--expose-gc", "--input-type=module", "--eval", script];
  const ended = run(process.execPath, args, { timeoutMs: 20_000, okCodes: [0, 137], onOutput: resolve });
  ended.catch(() => resolve("failed"));
  const answer = (await promise).trim();
  const pid = Number(answer.replace("held ", ""));
  return { answer, pid, ended, kill: () => process.kill(pid, "SIGKILL") };
}

test("is BUSY for everyone else, naming the holder, until it is released", async () => {
  const file = await lockFile();
  const lock = await acquireLock(file, "backup of vm disk 0");
  await expect(acquireLock(file, "second")).rejects.toMatchObject({
    code: "BUSY",
    message: expect.stringMatching(
      new RegExp(`backup of vm disk 0 is under way: process ${process.pid} on .*, since 2`),
    ),
  });
  expect((await otherProcess(file)).answer).toBe("BUSY");
  lock.release();
  lock.release();
  (await acquireLock(file, "third")).release();
});

test("ends with its holder, kill -9 included, and not before", async () => {
  const file = await lockFile();
  const other = await otherProcess(file);
  expect(other.answer).toMatch(/^held \d+$/);
  await sleep(200);
  await expect(acquireLock(file, "mine")).rejects.toMatchObject({
    code: "BUSY",
    message: expect.stringMatching(new RegExp(`their work is under way: process ${other.pid} `)),
  });
  other.kill();
  await other.ended;
  (await acquireLock(file, "mine")).release();
});

test("is had by one of many at a time", async () => {
  const file = await lockFile();
  const wins = (await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(file, "race")))).filter(
    (one) => one.status === "fulfilled",
  );
  expect(wins).toHaveLength(1);
  let inside = 0;
  const work = async () => {
    const lock = await acquireLockWithin(file, "turn", 10_000);
    expect(++inside).toBe(1);
    await sleep(5);
    inside -= 1;
    lock.release();
  };
  wins[0]?.value.release();
  await Promise.all(Array.from({ length: 10 }, work));
});

test("waiting ends in BUSY when the time is over", async () => {
  const file = await lockFile();
  const lock = await acquireLock(file, "long work");
  await expect(acquireLockWithin(file, "mine", 100)).rejects.toMatchObject({ code: "BUSY" });
  lock.release();
});

test("says what is wrong with the place", async () => {
  const file = await lockFile();
  await expect(acquireLock(join(file, "..", "gone", ".lock"), "x")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await writeFile(`${file}-other`, "something else entirely, and longer than a header".repeat(100));
  await expect(acquireLock(`${file}-other`, "x")).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
  await symlink(`${file}-elsewhere`, file);
  await expect(acquireLock(file, "x")).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
});
