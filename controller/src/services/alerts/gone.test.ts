import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Observation } from "../../domain/alert/observation.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { clearAlert } from "./clear.ts";
import { observeGone } from "./gone.ts";
import { noteAlert } from "./note.ts";
import { purgeAlerts } from "./purge.ts";
import { createSilence } from "./silences.ts";
import { HOST, START, seen, testCaller, world } from "./test-alerts.ts";

const backup = (type: "tampering" | "restore_failure", id: string): Observation =>
  seen(type, { subject: { kind: "backup", key: `backup:${HOST}/${id}`, agentId: HOST } });

describeOnBothStores("alerts about what is no more", (open) => {
  it("end with it; only what was done to a backup stays a question", async () => {
    const on = world(await open());
    await on.host();
    for (const name of ["vm-1", "vm-2"]) await on.item(name, name);
    for (const name of ["b-1", "b-2"]) await on.backup(name, "vm-1");
    await on.at(0, seen("missed_run vm-1"), seen("missed_run vm-2"), backup("restore_failure", "b-1"));
    await on.at(1, backup("tampering", "b-1"), backup("restore_failure", "b-2"), seen("capacity"));
    const openOnes = async () => {
      await observeGone(on.context);
      await on.work();
      const rows = await on.alerts();
      return rows
        .filter(({ state }) => state === "open")
        .map(({ type, subjectKey }) => `${type} ${subjectKey.split("/")[1]}`);
    };
    expect(await openOnes()).toHaveLength(6);
    await on.store.write(async (db) => {
      const { backups: b, items: i } = db.tables;
      await db.update(b).set({ removedAt: START }).where(eq(b.backupId, "b-1"));
      await db.update(i).set({ retiredAt: START }).where(eq(i.vmContextId, "vm-1"));
    });
    const left = ["capacity undefined", "missed_run vm-2", "restore_failure b-2", "tampering b-1"];
    expect((await openOnes()).toSorted()).toEqual(left);
    await on.store.write((db) => db.update(db.tables.agents).set({ state: "revoked" }).execute());
    expect(await openOnes()).toEqual(["tampering b-1"]);
    const [tampering] = (await on.alerts()).filter(({ type }) => type === "tampering");
    expect(tampering).toMatchObject({ backupId: "b-1", vmContextId: "vm-1" });
    await clearAlert(on.context, testCaller, tampering?.alertId ?? "", "we did it ourselves");
    await on.at(2);
    expect(await openOnes()).toEqual([]);
    await on.at(3, backup("tampering", "b-1"));
    expect(await openOnes()).toEqual(["tampering b-1"]);
  });

  it("that a host does not name an item any more is not over by that; that a person took it out here is", async () => {
    const on = world(await open());
    await on.host();
    for (const name of ["vm-1", "vm-2"]) await on.item(name, name);
    await on.at(0, seen("item_unprotected vm-1"), seen("item_unprotected vm-2"));
    await on.store.write(async (db) => {
      const { items: i } = db.tables;
      await db.update(i).set({ retiredAt: START });
      await db.update(i).set({ origin: "host" }).where(eq(i.vmContextId, "vm-1"));
      await db.update(i).set({ origin: "controller" }).where(eq(i.vmContextId, "vm-2"));
    });
    await observeGone(on.context);
    await on.work();
    const stays = (await on.alerts()).filter(({ state }) => state === "open");
    expect(stays.map(({ subjectKey }) => subjectKey)).toEqual([`item:${HOST}/vm-1`]);
    await clearAlert(on.context, testCaller, stays[0]?.alertId ?? "", "it was taken out of service");
    await on.at(1);
    expect((await on.alerts()).filter(({ state }) => state === "open")).toEqual([]);
  });

  it("are forgotten when they are old, open ones never", async () => {
    const on = world(await open());
    await on.at(0, seen("missed_run vm-1"), seen("missed_run vm-2"));
    await on.at(100, seen("missed_run vm-1", { state: "ok" }));
    for (const { alertId } of await on.alerts()) await noteAlert(on.context, testCaller, alertId, "hm");
    const match = { types: ["capacity" as const] };
    await createSilence(on.context, testCaller, {
      match,
      startsAt: null,
      endsAt: new Date(START.getTime() + 1e6),
      reason: "",
    });
    const left = async () => {
      while (await purgeAlerts(on.context));
      const { alerts, alertNotes, flips, silences } = (await on.store.read(async (db) => db)).tables;
      return await Promise.all(
        [alerts, alertNotes, flips, silences].map((table) => on.store.read((db) => db.$count(table))),
      );
    };
    await on.at(29 * 86_400);
    expect(await left()).toEqual([2, 2, 3, 1]);
    await on.at(31 * 86_400);
    expect(await left()).toEqual([2, 2, 0, 1]);
    await on.at(740 * 86_400);
    expect(await left()).toEqual([1, 1, 0, 0]);
    expect(await on.alerts()).toMatchObject([{ vmContextId: "vm-2", state: "open" }]);
  });
});
