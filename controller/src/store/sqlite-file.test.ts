import { mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { runNodeUntil } from "../../../test/helpers/run-node.ts";
import { openStore } from "./store.ts";
import { seedRows } from "./test-rows.ts";

const WRITER = fileURLToPath(new URL("test-writer-process.ts", import.meta.url));

let file = "";
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-sqlite-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, "controller.db");
});

async function settingNames(): Promise<Set<string>> {
  const store = await openStore({ file });
  const rows = await store.read((db) => db.select({ name: db.tables.settings.name }).from(db.tables.settings));
  await store.close();
  return new Set(rows.map(({ name }) => name));
}

/** Several pages of rows, all of them in the file itself. */
async function fill(): Promise<void> {
  const store = await openStore({ file });
  const rows = Array.from({ length: 300 }, (_, number) => ({ name: `name-${number}`, value: "x".repeat(300) }));
  await store.write((db) => seedRows(db, db.tables.settings, rows));
  await store.close();
}

async function overwrite(at: number, bytes: Buffer): Promise<void> {
  await using handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, at);
}

describe("the SQLite file", () => {
  it("holds every acknowledged write whole, and no half one, however often its process is killed", async () => {
    const from = 0;
    for (const many of [2, 9, 20, 33]) {
      const { lines, stderr } = await runNodeUntil(WRITER, [file, String(from)], (_, lines) => lines === many);
      expect(stderr).toBe("");
      expect(lines[0]).toBe("open");
      const acknowledged = Number(lines.at(-1));
      const names = await settingNames();
      for (let number = 0; number <= acknowledged; number++) expect(names).toContain(`${number}-second`);
      const [first, second] = ["first", "second"].map(
        (half) => [...names].filter((name) => name.endsWith(half)).length,
      );
      expect(first).toBe(second);
      await removePairs();
    }
  });

  it("belongs to one controller at a time, until that one ends", async () => {
    const attempts: Promise<unknown>[] = [];
    await runNodeUntil(WRITER, [file, "0"], (line, lines) => {
      if (line === "open") attempts.push(openStore({ file }).catch((error: unknown) => error));
      return lines === 20;
    });
    expect(await attempts[0]).toMatchObject({
      code: "DATABASE_IN_USE",
      message: expect.stringMatching(/Another controller/),
    });
    expect((await settingNames()).size).toBeGreaterThan(10);
    const store = await openStore({ file });
    await expect(openStore({ file })).rejects.toMatchObject({ code: "DATABASE_IN_USE" });
    await store.close();
    await (await openStore({ file })).close();
  });

  it("is for its owner alone, with all that lies beside it", async () => {
    const store = await openStore({ file });
    await store.write((db) => db.insert(db.tables.settings).values({ name: "x", value: 1 }).execute());
    const folder = join(file, "..");
    const modes = await Promise.all(
      (await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777]),
    );
    await store.close();
    expect(Object.fromEntries(modes)).toEqual({
      "controller.db": 0o600,
      "controller.db-shm": 0o600,
      "controller.db-wal": 0o600,
      "controller.db.lock": 0o600,
    });
  });

  it.each([
    ["its first bytes", 0, Buffer.alloc(32, 0x5a)],
    ["a page's order", 4096 * 20, Buffer.alloc(64, 0xff)],
  ])("is not used when %s are damaged, and stays as it was", async (_, at, bytes) => {
    await fill();
    await overwrite(at, bytes);
    const before = await stat(file);
    const damaged = { code: "DATABASE_DAMAGED", message: expect.stringMatching(/restore its newest backup/) };
    await expect(openStore({ file })).rejects.toMatchObject(damaged);
    expect((await stat(file)).size).toBe(before.size);
    await expect(openStore({ file })).rejects.toMatchObject(damaged);
  });

  it("is refused when it is none, or its folder is missing", async () => {
    await writeFile(file, "no database at all, but a text that is long enough to be read as one".repeat(20));
    await expect(openStore({ file })).rejects.toMatchObject({ code: "DATABASE_DAMAGED" });
    const missing = openStore({ file: join(file, "..", "missing", "controller.db") });
    await expect(missing).rejects.toMatchObject({ code: "BAD_CONFIG", message: expect.stringMatching(/folder/) });
  });
});

async function removePairs(): Promise<void> {
  const store = await openStore({ file });
  await store.write((db) => db.delete(db.tables.settings).execute());
  await store.close();
}
