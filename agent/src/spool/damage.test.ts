import { copyFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSpool } from "./spool.ts";
import { result, testCommand, testFolder } from "./test-events.ts";

const events = (spool: ReturnType<typeof openSpool>) => spool.pending(0, 1000, 1e9).events;
const kept = (folder: string) => readdirSync(folder).filter((name) => /damaged-\d+T\d+Z$/.test(name));

function filled(folder: string): { path: string; epoch: string; ids: (string | null)[] } {
  const spool = openSpool(folder);
  const ids = Array.from({ length: 60 }, (_, n) => spool.append([result(`${n}`.repeat(800))])[0] ?? null);
  const { epoch } = spool.place().acknowledged;
  spool.close();
  return { path: join(folder, "spool.db"), epoch, ids };
}

async function overwrite(path: string, offset: number, length: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(Buffer.alloc(length, 0xa5), 0, length, offset);
}

function withDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** How the file is damaged, and how many of its 60 events must come through at least. */
const DAMAGES: [string, number, (path: string) => void | Promise<void>][] = [
  ["no database at all", 0, (path) => writeFileSync(path, "not a database ".repeat(500))],
  ["a broken header", 0, (path) => overwrite(path, 0, 30)],
  ["broken pages in the midst", 30, async (path) => overwrite(path, (statSync(path).size >> 13) << 12, 8192)],
  ["a cut end", 0, (path) => truncateSync(path, (statSync(path).size >> 13) << 12)],
  ["a hole in seq", 59, (path) => withDatabase(path, "DELETE FROM events WHERE seq = 30")],
  ["a body that is no JSON", 59, (path) => withDatabase(path, "UPDATE events SET body = 'x' WHERE seq = 3")],
  ["a missing place", 60, (path) => withDatabase(path, "DELETE FROM spool")],
];

test.each(DAMAGES)("%s: it is set aside and kept, what can be read comes along", async (_name, atLeast, damage) => {
  using folder = testFolder();
  const { path, epoch, ids } = filled(folder.path);
  await damage(path);
  const size = statSync(path).size;
  const told: string[] = [];
  const spool = openSpool(folder.path, { thorough: true, log: (level, message) => told.push(`${level} ${message}`) });
  const waiting = events(spool);
  expect(waiting.at(-1)).toMatchObject({ kind: "log", body: { level: "error", code: "SPOOL_DAMAGED" } });
  expect(told).toEqual([`error ${waiting.at(-1)?.body["message"]}`]);
  const saved = waiting.slice(0, -1).map(({ event_id }) => event_id);
  expect(saved.length).toBeGreaterThanOrEqual(atLeast);
  expect(saved).toEqual(ids.filter((id) => id !== null && saved.includes(id)));
  expect(waiting.map(({ seq }) => seq)).toEqual(waiting.map((_, index) => index + 1));
  expect(spool.place().acknowledged).toMatchObject({ epoch: expect.not.stringContaining(epoch), seq: 0 });
  expect(spool.facts.owed()?.reason).toBe("new-spool");
  expect(kept(folder.path)).toHaveLength(1);
  expect(statSync(join(folder.path, kept(folder.path)[0] ?? "")).size).toBe(size);
  expect(spool.append([result("goes on")])).toHaveLength(1);
  spool.close();
});

test("a command that was taken is known after the damage, and so is the policy", () => {
  using folder = testFolder();
  const before = openSpool(folder.path);
  const command = testCommand();
  before.commands.note(command);
  before.policy.put({ version: 4, issued_at: command.created_at, repositories: [], items: [] });
  before.close();
  withDatabase(join(folder.path, "spool.db"), "DELETE FROM events");
  const after = openSpool(folder.path, { thorough: true });
  expect(after.commands.note(command)).toBe("known");
  expect(after.policy.get()?.version).toBe(4);
  expect(after.commands.unfinished()).toHaveLength(1);
  after.close();
});

test("damage that shows while it is in use is healed on the spot, also for the other process", async () => {
  using folder = testFolder();
  const { path } = filled(folder.path);
  const daemon = openSpool(folder.path, { thorough: true });
  const person = openSpool(folder.path);
  person.place();
  daemon.dataChanged();
  await overwrite(path, 4096, 200_000);
  const ids = [...person.append([result("person")]), ...daemon.append([result("daemon")])];
  expect(daemon.dataChanged()).toBe(true);
  for (const spool of [daemon, person])
    expect(
      events(spool)
        .slice(-2)
        .map(({ event_id }) => event_id),
    ).toEqual(ids);
  expect(kept(folder.path)).toHaveLength(1);
  daemon.close();
  person.close();
});

test("a spool file that vanished or was replaced under an open one is opened anew", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  spool.append([result("lost with the file")]);
  for (const part of ["", "-wal", "-shm"]) rmSync(join(folder.path, `spool.db${part}`), { force: true });
  spool.commands.note(testCommand());
  expect(events(spool).map(({ seq, kind }) => [seq, kind])).toEqual([[1, "command_changed"]]);
  spool.close();
});

test("a lock file that holds rubbish is made anew", () => {
  using folder = testFolder();
  writeFileSync(join(folder.path, "spool.db.lock"), "rubbish ".repeat(300));
  const spool = openSpool(folder.path);
  expect(spool.append([result("a")])).toHaveLength(1);
  spool.close();
});

test("a spool of a newer version is refused and left as it is", () => {
  using folder = testFolder();
  const { path } = filled(folder.path);
  withDatabase(path, "PRAGMA user_version = 99");
  expect(() => openSpool(folder.path, { thorough: true })).toThrow(expect.objectContaining({ code: "CONFLICT" }));
  expect(kept(folder.path)).toEqual([]);
});

test("a folder where the state folder should be is an error of ours", () => {
  using folder = testFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  copyFileSync(file, join(folder.path, "other"));
  expect(() => openSpool(join(file, "state"))).toThrow(expect.objectContaining({ name: "HoldfastError" }));
});
