import { randomUUID } from "node:crypto";
import type { AomeiEntry } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { addAgent } from "../../store/agents.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { loadAomeiWork, saveAomeiWork } from "./load-work.ts";
import { tellImage, tellSource, tellTask } from "./tell.ts";
import { entry, GUID, tellEntries } from "./test-aomei.ts";

const NOW = new Date("2026-02-15T12:00:00.000Z");
const OTHER = "{0a1b2c3d-0000-4000-8000-00000000000b}";
const day = (number: number) => `2026-02-${String(number).padStart(2, "0")}T03:00:00.000Z`;

async function host(store: Store): Promise<string> {
  const agentId = randomUUID();
  const facts = { name: "pc", hostname: "pc-7", platform: "win32", version: "1", createdAt: NOW };
  await store.write((db) => addAgent(db, { agentId, ...facts }));
  return agentId;
}
const tables = (store: Store) =>
  store.read(async (db) => ({
    jobs: await db.select().from(db.tables.aomeiJobs).orderBy(db.tables.aomeiJobs.jobId),
    runs: await db.select().from(db.tables.aomeiRuns).orderBy(db.tables.aomeiRuns.occurredAt),
    copies: await db.select().from(db.tables.aomeiCopies),
    names: await db.select().from(db.tables.aomeiJobNames).orderBy(db.tables.aomeiJobNames.since),
    images: await db.select().from(db.tables.aomeiImages),
    sources: await db.select().from(db.tables.aomeiSources),
  }));

describeOnBothStores("what an agent tells of AOMEI", (open) => {
  it("registers a task at first sight, with its history and its interval", async () => {
    const store = await open();
    const agentId = await host(store);
    const entries = [1, 2, 3, 4, 5].map((number) => entry(day(number)));
    expect(await tellEntries(store, agentId, entries, NOW)).toEqual([null, null, null, null, null]);
    const { jobs, runs, copies } = await tables(store);
    expect(jobs).toMatchObject([
      { jobId: 1, agentId, taskGuid: GUID, taskName: "System", targetServer: "pc-7", learnedSeconds: 86_400 },
    ]);
    expect(runs.map(({ occurredAt }) => occurredAt.toISOString())).toEqual([1, 2, 3, 4, 5].map(day));
    expect(runs[0]).toMatchObject({
      status: "success",
      agentStatus: "success",
      sizeBytes: null,
      durationSeconds: null,
    });
    expect(copies).toMatchObject([{ copyType: "primary", media: "unknown", lastGoodAt: new Date(day(5)) }]);
  });

  it("says nothing twice, however often, in whatever pieces it comes", async () => {
    const entries = [1, 2, 3, 4].flatMap((number) => [
      entry(day(number)),
      entry(day(number), { status: "failed", result_code: 4103, task_guid: OTHER, task_name: "Data" }),
    ]);
    const pieces = fc.array(fc.shuffledSubarray(entries, { minLength: 1 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(pieces, async (told) => {
        const store = await open();
        const agentId = await host(store);
        for (const piece of told) await tellEntries(store, agentId, piece, NOW);
        const { runs, jobs } = await tables(store);
        const keys = new Set(told.flat().map(({ entry_key }) => entry_key));
        expect(runs).toHaveLength(keys.size);
        expect(jobs).toHaveLength(new Set(told.flat().map(({ task_guid }) => task_guid)).size);
      }),
      { numRuns: 8 },
    );
  });

  it("follows a rename, keeps the old name, and is not renamed back by an old entry", async () => {
    const store = await open();
    const agentId = await host(store);
    await tellEntries(store, agentId, [entry(day(1)), entry(day(3), { task_name: "System disk" })], NOW);
    await tellEntries(store, agentId, [entry(day(2), { detail: "late" })], NOW);
    const { jobs, names } = await tables(store);
    expect(jobs).toMatchObject([{ taskName: "System disk", updatedAt: NOW }]);
    expect(names.map(({ name, since }) => [name, since.toISOString()])).toEqual([
      ["System", day(1)],
      ["System disk", day(3)],
    ]);
  });

  it("keeps two tasks of one name apart, and finds a task without id by its only name", async () => {
    const store = await open();
    const agentId = await host(store);
    await tellEntries(store, agentId, [entry(day(1)), entry(day(2), { task_guid: null })], NOW);
    expect((await tables(store)).jobs).toHaveLength(1);
    await tellEntries(store, agentId, [entry(day(3), { task_guid: OTHER })], NOW);
    const { jobs, runs } = await tables(store);
    expect(jobs.map(({ taskGuid }) => taskGuid)).toEqual([GUID, OTHER]);
    expect(runs.map(({ jobId }) => jobId)).toEqual([1, 1, 2]);
    const nameless = entry(day(4), { task_guid: null, task_name: null });
    expect(await tellEntries(store, agentId, [nameless], NOW)).toEqual(["names neither a task nor its id"]);
  });

  it("never lets another host's task be this one's", async () => {
    const store = await open();
    for (const agentId of [await host(store), await host(store)])
      await tellEntries(store, agentId, [entry(day(1))], NOW);
    expect((await tables(store)).runs.map(({ jobId }) => jobId).sort()).toEqual([1, 2]);
  });

  it.each<[string, Partial<AomeiEntry>, string, string | null]>([
    ["a failed run", { status: "failed", result_code: 4103 }, "failed", day(1)],
    ["a run of unknown outcome", { status: "unknown", result_code: null }, "warning", day(1)],
    ["a good run", {}, "success", day(2)],
  ])("%s and the last good backup", async (_what, more, status, lastGood) => {
    const store = await open();
    const agentId = await host(store);
    const image = "D:\\Images\\System.adi";
    await tellEntries(store, agentId, [entry(day(1), { image, size_bytes: 500 })], NOW);
    await tellEntries(store, agentId, [entry(day(2), { ...more, image, size_bytes: 0 })], NOW);
    expect((await tables(store)).copies).toMatchObject([
      { status, media: "disk", lastRunAt: new Date(day(2)), lastGoodAt: new Date(lastGood ?? 0) },
    ]);
  });

  it("an entry that is told again completes its run, and a late older telling takes nothing away", async () => {
    const store = await open();
    const agentId = await host(store);
    const bare = entry(day(1));
    const image = { image: "\\\\nas\\System.adi", size_bytes: 500, duration_seconds: 60 };
    const again = { ...bare, ...image, detail: null, result: null, operation: null, told_again: true };
    const seen = [];
    for (const told of [[bare], [again, again], [bare], [again]]) {
      expect((await tellEntries(store, agentId, told, NOW)).every((problem) => problem === null)).toBe(true);
      seen.push(await tables(store));
    }
    expect(seen[0]?.copies).toMatchObject([{ media: "unknown", sizeBytes: null }]);
    expect(seen[1]?.runs).toMatchObject([
      { sizeBytes: 500, durationSeconds: 60, storagePath: image.image, operation: "Sauvegarde complète" },
    ]);
    expect(seen[1]?.copies).toMatchObject([{ media: "network_share", sizeBytes: 500, lastGoodAt: new Date(day(1)) }]);
    expect(seen[3]).toEqual(seen[1]);
    expect(seen[2]).toEqual(seen[1]);
  });

  it("a run that was taken for over gets its outcome, once", async () => {
    const store = await open();
    const agentId = await host(store);
    const open1 = entry(day(1), { status: "unknown", result_code: null, result: null, detail: "Backing up" });
    const ended = { ...open1, status: "failed" as const, result_code: 4103, ended_at: day(2), detail: "all of it" };
    for (const told of [open1, ended, open1, { ...ended, status: "success" as const }])
      await tellEntries(store, agentId, [told], NOW);
    const { runs, jobs, copies } = await tables(store);
    expect(runs).toMatchObject([
      { status: "failed", agentStatus: "failed", resultCode: 4103, details: "all of it", endedAt: new Date(day(2)) },
    ]);
    expect(runs[0]?.occurredAt).toEqual(new Date(day(2)));
    expect(jobs).toMatchObject([{ lastStatus: "failed", lastRunAt: new Date(day(2)) }]);
    expect(copies).toMatchObject([{ status: "failed", lastGoodAt: null }]);
  });

  it("takes a time from the future for the moment of receipt", async () => {
    const store = await open();
    const agentId = await host(store);
    await tellEntries(store, agentId, [entry("2099-01-01T00:00:00.000Z"), entry(null)], NOW);
    const { runs, jobs } = await tables(store);
    expect(runs.map(({ occurredAt }) => occurredAt)).toEqual([NOW, NOW]);
    expect(jobs).toMatchObject([{ lastRunAt: NOW, namedAt: NOW }]);
  });

  it("keeps what it says of sources and images", async () => {
    const store = await open();
    const agentId = await host(store);
    await tellEntries(store, agentId, [entry(day(1))], NOW);
    const source = "C:\\ProgramData\\AomeiBR\\brlog.xml";
    const state = { source, source_kind: "result_log", state: "not_installed", reason: "no sign of it" } as const;
    const image = { path: "D:\\I\\System.adi", folder: "D:\\I", image_kind: "adi", task_guid: GUID } as const;
    const facts = { task_name: "System", state: "truncated", reason: "no tail", size_bytes: 7 } as const;
    const times = { modified_at: day(1), checked_at: day(2) };
    const seen = { task_guid: OTHER, task_name: "New", previous_name: null, source, at: day(2) };
    for (const turn of [1, 2])
      await store.write(async (db) => {
        const told = { ...image, ...facts, ...times, checksum: turn === 1 ? "unproven" : "failed" } as const;
        const work = await loadAomeiWork(db, [{ agentId, entries: [], images: [told], tasks: [seen] }], NOW);
        const telling = { agentId, now: NOW, work };
        expect(tellSource({ ...state, findings: [], at: day(1) }, telling)).toBeNull();
        expect(tellImage(told, telling)).toBeNull();
        expect(tellTask(seen, telling)).toBeNull();
        await saveAomeiWork(db, work);
      });
    const { images, sources, jobs } = await tables(store);
    expect(images).toMatchObject([{ jobId: 1, state: "truncated", checksum: "failed", sizeBytes: 7 }]);
    expect(sources).toMatchObject([{ state: "not_installed", reason: "no sign of it" }]);
    expect(jobs.map(({ taskName }) => taskName)).toEqual(["System", "New"]);
  });
});
