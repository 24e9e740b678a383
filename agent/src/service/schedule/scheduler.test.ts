import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HoldfastError } from "../../errors.ts";
import { readNotebook } from "../../schedule/notebook.ts";
import { type Bench, makeBench, planOf, settled } from "./test-scheduler.ts";

const at = (text: string): Date => new Date(`2026-03-${text}:00Z`);

describe("the scheduler", () => {
  let folder: string;
  let bench: Bench;
  let world: Bench["world"];
  let process: ReturnType<Bench["start"]>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-scheduler-"));
    bench = makeBench(folder, at("01T12:00"));
    world = bench.world;
    process = bench.start();
  });
  afterEach(() => {
    process.kill();
    return rm(folder, { recursive: true });
  });

  const going = (): string[] => world.going.map(({ text }) => text);
  const tick = (text: string): string[] => {
    world.now = at(text);
    process.scheduler.tick();
    return going();
  };
  const begin = (): void => {
    for (const one of world.going) one.begun();
  };
  const end = async (text: string, error?: unknown): Promise<string[]> => {
    world.going.find((one) => one.text === text)?.end(error);
    await settled();
    return going();
  };
  const restart = (): void => {
    process.kill();
    process = bench.start();
  };

  it("runs each job once when it is due, and its proofs after it", async () => {
    process.scheduler.plan([planOf(["a", "b"])]);
    expect(tick("02T02:59")).toEqual([]);
    expect(tick("02T03:00")).toEqual(["a/backup 02T03:00", "b/backup 02T03:00"]);
    expect(tick("02T03:01")).toHaveLength(2);
    begin();
    expect(await end("a/backup 02T03:00")).toEqual(["b/backup 02T03:00", "a/verify 02T03:00", "a/drill 02T03:00"]);
    await end("a/verify 02T03:00");
    await end("a/drill 02T03:00");
    expect(await end("b/backup 02T03:00", new Error("x"))).toEqual([]);
    expect(tick("02T03:10")).toEqual(["b/backup 02T03:00 #2"]);
  });

  it("is noted before it begins: killed in between, it begins once", () => {
    process.scheduler.plan([planOf(["a"])]);
    expect(tick("02T03:00")).toEqual(["a/backup 02T03:00"]);
    expect(readNotebook(folder).get("a/backup")?.state).toMatchObject({
      kind: "running",
      settledThrough: at("02T03:00"),
    });
    restart();
    process.scheduler.plan([planOf(["a"])]);
    expect(tick("02T03:05")).toEqual(["a/backup 02T03:00"]);
    begin();
    restart();
    process.scheduler.plan([planOf(["a"])]);
    expect(tick("02T03:06")).toEqual([]);
    expect(tick("02T03:07")).toEqual(["a/backup 02T03:00 #2"]);
  });

  it("killed between a run's end and the note of it, it does not run again, and what it asks for comes once", async () => {
    process.scheduler.plan([planOf(["a"])]);
    tick("02T03:00");
    begin();
    world.ledger = world.ledger.map((one) => ({ ...one, state: "completed", ended_at: one.started_at, outcome: "" }));
    for (let kills = 0; kills < 2; kills++) {
      restart();
      for (let twice = 0; twice < 2; twice++) process.scheduler.plan([planOf(["a"])]);
    }
    expect(tick("02T03:05")).toEqual(["a/verify 02T03:00", "a/drill 02T03:00"]);
    for (const proof of going()) await end(proof);
    expect(tick("02T23:00")).toEqual([]);
  });

  it("a proof that a backup asked for survives a kill", async () => {
    process.scheduler.plan([planOf(["a"], undefined, { drill: null })]);
    tick("02T03:00");
    begin();
    await end("a/backup 02T03:00");
    restart();
    process.scheduler.plan([planOf(["a"], undefined, { drill: null })]);
    expect(tick("02T03:05")).toEqual(["a/verify 02T03:00"]);
  });

  it("after a stop what was called off goes on, and what only waited begins", async () => {
    process.scheduler.plan([planOf(["a", "b"])]);
    tick("02T03:00");
    world.going[0]?.begun();
    process.scheduler.drain();
    await settled();
    expect(going()).toEqual(["a/backup 02T03:00"]);
    process.scheduler.cancelAll();
    await process.scheduler.idle();
    const [record] = world.ledger;
    const error = { code: "CANCELLED", message: "", remedy: null };
    if (record !== undefined) world.ledger = [{ ...record, state: "cancelled", ended_at: record.started_at, error }];
    restart();
    process.scheduler.plan([planOf(["a", "b"])]);
    expect(tick("02T03:05")).toEqual(["a/backup 02T03:00", "b/backup 02T03:00"]);
  });

  it("nothing begins that cannot be noted; it begins once it can", () => {
    process.scheduler.plan([planOf(["a"])]);
    process.kill();
    world.now = at("02T03:00");
    expect(() => process.scheduler.tick()).toThrow();
    expect(going()).toEqual([]);
    process = bench.start();
    process.scheduler.plan([planOf(["a"])]);
    expect(tick("02T03:01")).toEqual(["a/backup 02T03:00"]);
  });

  it("a due that is left out stays to be told until there is room", () => {
    const night = { weekdays: [1, 2, 3, 4, 5, 6, 7], from: "02:00", until: "05:00" };
    const plan = planOf(["a"]);
    const { backup } = plan.tasks;
    if (backup.schedule !== null) backup.schedule.blackouts = [night];
    process.scheduler.plan([plan]);
    world.noRoom = true;
    world.now = at("02T03:00");
    expect(() => process.scheduler.tick()).toThrow("no room");
    world.noRoom = false;
    tick("02T03:01");
    tick("02T03:02");
    expect(world.skipped).toEqual(["a/backup 02T03:00 blackout"]);
  });

  it.each([
    ["what the host does not allow", new HoldfastError("SOURCE_NOT_ALLOWED", { message: "x" }), []],
    ["what may heal", new HoldfastError("BUSY", { message: "x" }), ["a/backup 02T03:00 #2"]],
  ])("%s is tried again only if that can help", async (_what, error, after) => {
    process.scheduler.plan([planOf(["a"])]);
    tick("02T03:00");
    await end("a/backup 02T03:00", error);
    expect(tick("02T03:10")).toEqual(after);
  });

  it("another schedule begins with the moment it is known, the same one goes on", () => {
    process.scheduler.plan([planOf(["a"], "0 13 * * *")]);
    world.now = at("01T12:30");
    process.scheduler.plan([planOf(["a"], "0 4 * * *")]);
    expect(tick("01T13:01")).toEqual([]);
    world.now = at("03T12:00");
    process.scheduler.plan([planOf(["a"], "0 4 * * *")]);
    expect(going()).toEqual(["a/backup 03T04:00"]);
  });

  it.each([
    ["changes", [planOf(["a"], "0 4 * * *")]],
    ["ends", []],
  ])("what is due when its plan %s in the same moment begins all the same", (_what, plans) => {
    process.scheduler.plan([planOf(["a"])]);
    world.now = at("02T03:00");
    process.scheduler.plan(plans);
    expect(going()).toEqual(["a/backup 02T03:00"]);
  });

  it("what is no longer planned ends and is forgotten, and begins anew when it comes back", async () => {
    process.scheduler.plan([planOf(["a"])]);
    tick("02T03:00");
    begin();
    process.scheduler.plan([]);
    expect(await end("a/backup 02T03:00")).toEqual([]);
    expect(readNotebook(folder).size).toBe(0);
    world.now = at("05T12:00");
    process.scheduler.plan([planOf(["a"])]);
    expect(tick("05T12:01")).toEqual([]);
    expect(tick("06T03:00")).toEqual(["a/backup 06T03:00"]);
  });

  it("a lost notebook is made up for by the ledger", async () => {
    process.scheduler.plan([planOf(["a", "b"])]);
    tick("02T03:00");
    world.going.find(({ text }) => text.startsWith("a"))?.begun();
    process.kill();
    await rm(join(folder, "schedule.db"));
    process = bench.start();
    world.now = at("03T12:00");
    process.scheduler.plan([planOf(["a", "b"])]);
    // Of b nothing is known but that it is planned.
    expect(tick("03T12:00")).toEqual(["a/backup 03T03:00"]);
  });
});
