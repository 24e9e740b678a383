import { mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type NotedJob, openNotebook, readNotebook } from "./notebook.ts";
import { at, jobOf } from "./test-jobs.ts";

describe("the notebook", () => {
  let folder: string;
  let said: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-notebook-"));
    said = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const path = () => join(folder, "schedule.db");
  const open = () => openNotebook(folder, { now: at("2 03:00"), log: (_level, message) => said.push(message) });
  const { policyId, policyVersion, plan } = jobOf();
  const standing = { settledThrough: at("2 03:00"), asked: { due: at("2 01:00"), since: null } };
  const attempt = { due: at("2 03:00"), since: at("1 03:00"), attempt: 2 };
  const noted: NotedJob[] = [
    { id: "a/backup", policyId, policyVersion, schedule: plan.schedule, state: { kind: "idle", ...standing } },
    { id: "a/verify", policyId, policyVersion, schedule: null, state: { kind: "running", ...standing, ...attempt } },
    {
      ...{ id: "b/backup", policyId, policyVersion, schedule: plan.schedule },
      state: { kind: "waiting", ...standing, ...attempt, retryAt: at("2 03:10") },
    },
  ];

  it("says what was noted, also to another process, and nothing of what was forgotten", async () => {
    const first = open();
    expect([first.isNew, first.all()]).toEqual([true, new Map()]);
    first.put(noted);
    expect(readNotebook(folder)).toEqual(new Map(noted.map((one) => [one.id, one])));
    first.forget(["a/backup"]);
    first.close();
    const second = open();
    expect([second.isNew, [...second.all().values()]]).toEqual([false, noted.slice(1)]);
    second.close();
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(said).toEqual([]);
  });

  it.each([
    ["is no database", () => writeFile(path(), "x".repeat(5000))],
    ["lost its end", () => truncate(path(), 4096)],
  ])("one that %s is set aside, kept, and begun anew", async (_what, damage) => {
    const before = open();
    before.put(noted);
    before.close();
    await damage();
    const after = open();
    expect([after.isNew, after.all()]).toEqual([true, new Map()]);
    after.put(noted);
    after.close();
    expect(readNotebook(folder).size).toBe(3);
    expect(await readdir(folder)).toContain("schedule.db.damaged-20260302030000");
    expect(said).toEqual([expect.stringMatching(/damaged/)]);
  });

  it("a row that this version cannot read costs only its own job", () => {
    const book = open();
    book.put(noted);
    book.close();
    const database = new DatabaseSync(path());
    database.exec("UPDATE jobs SET state = '{}' WHERE job = 'a/verify'");
    database.close();
    expect([...readNotebook(folder).keys()]).toEqual(["a/backup", "b/backup"]);
  });

  it("is nothing to read before it was made", () => {
    expect(readNotebook(folder)).toEqual(new Map());
  });
});
