import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HoldfastError } from "../errors.ts";
import { startDaemon } from "../exec.ts";
import { withItemLock } from "./item-lock.ts";
import { beginRun, KEPT_RUNS, newRun, noticeLost, openLedger, readLedger, writeRun } from "./ledger.ts";
import { isAlive, ownIdentity } from "./process-identity.ts";
import { recordRun } from "./record-run.ts";
import type { RunRecord } from "./run-record.ts";
import { NO_TELLING } from "./telling/port.ts";

const AT = new Date("2026-05-01T10:00:00Z");
const now = () => AT;
const about = { kind: "backup", repository: { repositoryId: "main", path: "/none" } } as const;

describe("the ledger of runs", () => {
  let state: string;
  let ledger: string;
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), "holdfast-ledger-"));
    ledger = await openLedger(state);
  });
  afterEach(() => rm(state, { recursive: true }));

  const runs = () => ({ ledger, item: "web-1", now, telling: NO_TELLING });
  const begin = async (item: string, at = AT) => {
    const run = newRun({ kind: "backup", item }, at);
    await beginRun(ledger, run);
    return run;
  };
  const states = async () => (await readLedger(ledger)).runs.map((run) => run.state);

  it("holds a run from its beginning", async () => {
    const value = await recordRun(runs(), about, async (runId) => {
      expect((await readLedger(ledger)).runs).toMatchObject([{ run_id: runId, state: "running", item: "web-1" }]);
      return { value: 7, outcome: "made" };
    });
    expect(value).toBe(7);
    expect((await readLedger(ledger)).runs).toMatchObject([{ state: "completed", outcome: "made" }]);
  });

  it("keeps what went wrong, and tells cancelled from failed", async () => {
    const fail = (code: "NO_SPACE" | "CANCELLED") =>
      recordRun(runs(), about, () => Promise.reject(new HoldfastError(code, { message: "m", remedy: "r" })));
    await expect(fail("NO_SPACE")).rejects.toMatchObject({ code: "NO_SPACE" });
    expect((await readLedger(ledger)).runs).toMatchObject([
      { state: "failed", error: { code: "NO_SPACE", message: "m", remedy: "r" } },
    ]);
    await expect(fail("CANCELLED")).rejects.toMatchObject({ code: "CANCELLED" });
    expect((await states()).toSorted()).toEqual(["cancelled", "failed"]);
  });

  it("tells of a run once it is written, and does not begin one that could not be told", async () => {
    const told: string[] = [];
    const onRun = async (record: RunRecord) => {
      const { runs: known } = await readLedger(ledger);
      expect(known.find(({ run_id }) => run_id === record.run_id)).toEqual(record);
      told.push(record.state);
    };
    await recordRun({ ...runs(), onRun }, about, async () => ({ value: 0, outcome: "made" }));
    expect(told).toEqual(["running", "completed"]);
    let worked = false;
    const full = (record: RunRecord) =>
      record.state === "running" ? Promise.reject(new HoldfastError("NO_SPACE", { message: "m" })) : onRun(record);
    const refused = recordRun({ ...runs(), onRun: full }, about, async () => {
      worked = true;
      return { value: 0, outcome: "made" };
    });
    await expect(refused).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(worked).toBe(false);
    expect(told.at(-1)).toBe("failed");
  });

  it("clears what a kill left of writing a record, and not what is being written", async () => {
    const [left, fresh] = ["run-a.json.0a1b2c3d.partial", "run-b.json.0a1b2c3d.partial"];
    for (const name of [left, fresh]) await writeFile(join(ledger, name), "{");
    const twoHoursAgo = Date.now() / 1000 - 7200;
    await utimes(join(ledger, left), twoHoursAgo, twoHoursAgo);
    expect(await noticeLost(ledger, AT)).toEqual([]);
    expect(await readdir(ledger)).toEqual([fresh]);
  });

  it("notices a run whose process was killed, once, and no run of a living process", async () => {
    const child = await startDaemon(process.execPath, [join(import.meta.dirname, "test-begin-run.ts"), ledger], {});
    await expect.poll(states, { timeout: 20_000 }).toEqual(["running"]);
    await begin("web-2");
    const [theirs] = (await readLedger(ledger)).runs.filter((run) => run.item === "web-1");
    expect(await noticeLost(ledger, AT)).toEqual([]);
    process.kill(theirs?.process.pid ?? 0, "SIGKILL");
    await child.stop();
    await expect.poll(() => theirs !== undefined && isAlive(theirs.process)).toBe(false);
    expect(await noticeLost(ledger, AT)).toMatchObject([
      { run_id: theirs?.run_id, state: "lost", error: { code: "LOST" } },
    ]);
    expect(await noticeLost(ledger, AT)).toEqual([]);
    expect((await states()).toSorted()).toEqual(["lost", "running"]);
  });

  it("does not take another process with the same pid for the one that began the run", async () => {
    const own = ownIdentity();
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, started: `${own.started}1` })).toBe(false);
    const run = await begin("web-1");
    await writeRun(ledger, { ...run, process: { ...own, started: "an earlier boot" } });
    expect(await noticeLost(ledger, AT)).toHaveLength(1);
  });

  it("stays bounded and never drops what runs", async () => {
    const first = await begin("old", new Date("2020-01-01T00:00:00Z"));
    const done = { ...first, state: "completed", ended_at: AT.toISOString(), outcome: "" } as const;
    const numbers = Array.from({ length: KEPT_RUNS + 20 }, (_, n) => n);
    const idOf = (n: number) => `run-20210101-000000-backup-${n.toString(16).padStart(8, "0")}`;
    await Promise.all(
      numbers.map((n) => writeFile(join(ledger, `${idOf(n)}.json`), JSON.stringify({ ...done, run_id: idOf(n) }))),
    );
    await begin("new");
    const { runs } = await readLedger(ledger);
    expect(runs).toHaveLength(KEPT_RUNS + 1);
    expect(runs[0]?.item).toBe("new");
    expect(runs.find(({ run_id }) => run_id === first.run_id)).toMatchObject({ state: "running" });
  });

  it("names a record that cannot be read, and lives", async () => {
    await begin("web-1");
    await writeFile(join(ledger, "run-bad.json"), "{");
    const view = await readLedger(ledger);
    expect(view.unreadable).toEqual(["run-bad.json"]);
    expect(view.runs).toHaveLength(1);
  });

  it("lets one run at an item", async () => {
    await withItemLock(state, "web-1", "a backup", async () => {
      const second = withItemLock(state, "web-1", "another", () => Promise.resolve());
      await expect(second).rejects.toMatchObject({ code: "BUSY", message: expect.stringContaining("a backup") });
      await withItemLock(state, "web-2", "another", () => Promise.resolve());
    });
    await withItemLock(state, "web-1", "afterwards", () => Promise.resolve());
  });
});
