/** What happens to real backups, as the events that wait in a real spool. */
import { randomUUID } from "node:crypto";
import { cp, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { idOf } from "../../../../test/helpers/hand-made-backups.ts";
import { pin, unpin } from "../../repository/evidence.ts";
import { openRepository } from "../../repository/marker.ts";
import { withItem } from "../item-lock.ts";
import { beginRun, newRun } from "../ledger.ts";
import { openRuns } from "../open-runs.ts";
import { verifyTarget } from "../prove-target.ts";
import { removeBackups } from "../remove-backups.ts";
import { createTeller } from "./teller.ts";
import { DEAD, makeTellingHost, now, type TellingHost } from "./test-telling-host.ts";

describe("telling", () => {
  let t: TellingHost;
  beforeEach(async () => {
    t = await makeTellingHost();
  });
  afterEach(() => t.remove());

  it("is of what is new and of nothing twice: first what stands there, then a proof with its run", async () => {
    await t.teller.lookAndTell(t.place(), null);
    expect(t.kinds()).toEqual(["backup_recorded", "backup_recorded"]);
    const { verification_id } = await t.verify(1);
    const told = t.news();
    expect(told.map(({ kind }) => kind)).toEqual(["run_started", "verification_recorded", "run_finished"]);
    const [started, proof, end] = told.map(({ body }) => body);
    expect(started).toMatchObject({
      run_kind: "verify",
      vm_context_id: "vm-1",
      repository_id: "repo-1",
      subject: idOf(1),
    });
    expect(proof).toMatchObject({ run_id: started?.["run_id"], told_again: false, verification: { verification_id } });
    expect(end).toMatchObject({ run_id: started?.["run_id"], state: "completed" });
    expect(await t.teller.lookAndTell(t.place(), null)).toBe(0);
    expect(t.spool.intents()).toEqual([]);
  });

  it("ascribes to a run what it did, and not what it only found", async () => {
    await t.verify(0);
    const told = t.news();
    expect(told.map(({ kind, body }) => [kind, body["run_id"] === told[0]?.body["run_id"]])).toEqual([
      ["run_started", true],
      ["backup_recorded", false],
      ["verification_recorded", true],
      ["backup_recorded", false],
      ["run_finished", true],
    ]);
  });

  it("is of pins and of removals, with the reason of who asked", async () => {
    await t.teller.around(t.place(), () => pin(t.made.folder, idOf(1), "court order", now()));
    expect(t.news().at(-1)).toMatchObject({ kind: "backup_pinned", body: { pinned: true, reason: "court order" } });
    await t.teller.around(t.place(), () => unpin(t.made.folder, idOf(1)));
    expect(t.news()).toMatchObject([{ kind: "backup_pinned", body: { pinned: false } }]);
    const stored = await t.target(1);
    const wish = { ...t.context, reason: "not needed", commandId: randomUUID() };
    const refused = withItem(wish, "vm-1", "test", (runs) => removeBackups(runs, stored, [idOf(1)]));
    await expect(refused).rejects.toMatchObject({ code: "FLOOR" });
    expect(t.news()).toMatchObject([
      { kind: "run_started", body: { command_id: wish.commandId } },
      { kind: "run_finished", body: { state: "failed", error: { code: "FLOOR" } } },
    ]);
  });

  it("is of what a killed run made and removed, before its end", async () => {
    await t.teller.lookAndTell(t.place(), null);
    t.news();
    const record = { ...newRun({ kind: "removal", item: "vm-1" }, now()), process: DEAD };
    t.spool.record({ intend: [{ ...t.cutOff(record), reason: "past its time" }] });
    await beginRun(t.context.ledger, record);
    await rename(join(t.made.folder, `${idOf(1)}.qcow2.json`), join(t.made.root, "gone"));
    await openRuns(t.context.rules, [], { now, warn: t.warn, telling: t.teller });
    expect(t.news()).toMatchObject([
      { kind: "backup_removed", body: { backup_id: idOf(1), run_id: record.run_id, reason: "past its time" } },
      { kind: "run_finished", body: { run_id: record.run_id, state: "lost" } },
    ]);
    await openRuns(t.context.rules, [], { now, warn: t.warn, telling: t.teller });
    expect([t.news(), t.spool.intents()]).toEqual([[], []]);
  });

  it("takes the end of a run from the ledger when only the telling of it was cut off", async () => {
    const record = { ...newRun({ kind: "backup", item: "vm-1" }, new Date(0)), process: DEAD };
    t.spool.record({ intend: [t.cutOff(record)] });
    await beginRun(t.context.ledger, record);
    await beginRun(t.context.ledger, {
      ...record,
      state: "completed",
      ended_at: now().toISOString(),
      outcome: "made",
    } as never);
    await t.teller.reconcile(t.context.ledger);
    const told = t.news();
    expect(told.map(({ kind }) => kind)).toEqual(["backup_recorded", "backup_recorded", "run_finished"]);
    expect(told[0]?.body["run_id"]).toBe(record.run_id);
    expect(told.at(-1)?.body).toMatchObject({ state: "completed", outcome: "made" });
  });

  it("waits with the facts of a repository that is not there, and never takes it for emptied", async () => {
    await t.teller.lookAndTell(t.place(), null);
    const record = { ...newRun({ kind: "backup", item: "vm-1" }, now()), process: DEAD };
    t.spool.record({ intend: [t.cutOff(record)] });
    const { path } = t.made.repository;
    await rename(path, `${path}-unmounted`);
    t.news();
    await t.teller.reconcile(t.context.ledger);
    expect(t.news()).toMatchObject([{ kind: "run_finished", body: { state: "lost" } }]);
    expect(t.warnings).toMatchObject([expect.stringContaining("will be told later")]);
    await t.teller.reconcile(t.context.ledger);
    await expect(t.teller.lookAndTell(t.place(), null)).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
    await rename(`${path}-unmounted`, path);
    await rename(join(t.made.folder, `${idOf(1)}.qcow2.json`), join(t.made.root, "gone"));
    expect([t.news(), t.spool.intents().length]).toEqual([[], 1]);
    await t.teller.reconcile(t.context.ledger);
    expect(t.news()).toMatchObject([{ kind: "backup_removed", body: { run_id: null } }]);
    expect(t.spool.intents()).toEqual([]);
  });

  it("leaves to a living process what it works on", async () => {
    const record = newRun({ kind: "backup", item: "vm-1" }, now());
    const parent = { pid: process.ppid, started: null };
    t.spool.record({ intend: [{ ...t.cutOff(record), process: parent }] });
    await t.teller.reconcile(t.context.ledger);
    expect([t.news(), t.spool.intents().length]).toEqual([[], 1]);
  });

  it("is of no copy of a repository, but for the run itself", async () => {
    await t.teller.lookAndTell(t.place(), null);
    t.news();
    await cp(t.made.repository.path, join(t.made.root, "copy"), { recursive: true });
    const copy = await openRepository(join(t.made.root, "copy"));
    await t.verify(1, copy);
    expect(t.kinds()).toEqual(["run_started", "run_finished"]);
    expect(await t.teller.lookAndTell({ ...t.place(), repository: copy }, null)).toBe(0);
  });

  it("is of everything once more for each debt, however often it is cut off", async () => {
    await t.verify(0);
    t.news();
    t.spool.facts.owe("controller-behind");
    const owed = t.spool.facts.owed()?.number ?? 0;
    expect(await t.teller.lookAndTell(t.place(), owed)).toBe(4);
    expect(t.news().map(({ kind, body }) => body["told_again"] ?? kind)).toEqual([true, true, true, "backups_listed"]);
    expect(await t.teller.lookAndTell(t.place(), owed)).toBe(0);
    t.spool.facts.settle(owed);
    await t.verify(1);
    expect(t.kinds()).toEqual(["run_started", "verification_recorded", "run_finished"]);
  });

  it("keeps no run from being refused when the spool is full", async () => {
    const full = { ...t.spool, assertRoom: () => expect.fail("no room") };
    const parts = { spool: full, stateDir: t.context.rules.state_dir, pathOf: () => undefined, now, warn: t.warn };
    const one = await t.target(1);
    const work = withItem({ ...t.context, telling: createTeller(parts) }, "vm-1", "test", (runs) =>
      verifyTarget(runs, one, { keys: null }),
    );
    await expect(work).rejects.toThrow("no room");
    expect(t.news()).toEqual([]);
  });
});
