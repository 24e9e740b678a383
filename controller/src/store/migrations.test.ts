import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Store } from "./db.ts";
import type { DialectName } from "./dialect.ts";
import { CREATE_MIGRATIONS_TABLE, migrationsFolder } from "./migrations.ts";
import { TABLES, type Tables } from "./schema.ts";
import { openStore } from "./store.ts";
import { readCatalogue, runSql } from "./test-catalogue.ts";
import { schemaChange } from "./test-migration-writer.ts";
import { describeOnBothStores, type StorePlace } from "./test-stores.ts";

const fixture = (name: string) => readFile(new URL(`fixtures/${name}.sql`, import.meta.url), "utf8");

async function openAndClose(options: Parameters<typeof openStore>[0]): Promise<void> {
  await (await openStore(options)).close();
}

/** Tables that the oldest schema did not have. */
const NEWER =
  /^(aomei|polic|itemPol|jobs|maint|expected|projections|retention|holds|conditions|flips|alert|silences|channels|routes|deliveries|reportS|health|itemStates|repositoryT)/;

/** The shipped migrations and one more. */
async function withAnother(dialect: DialectName, sql: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(migrationsFolder(dialect), folder, { recursive: true });
  await writeFile(join(folder, "9999-next.sql"), sql);
  return folder;
}

async function oldest(place: StorePlace, dialect: DialectName): Promise<void> {
  await runSql(place, await fixture(`oldest-${dialect}`));
  await runSql(place, await fixture("oldest-rows"));
}

async function everyRow(store: Store): Promise<Record<string, unknown[]>> {
  const names = Object.keys(TABLES.sqlite) as (keyof Tables)[];
  return await store.read(async (db) => {
    const entries = names.map(async (name) => [name, await db.select().from(db.tables[name])] as const);
    return Object.fromEntries(await Promise.all(entries));
  });
}

describeOnBothStores("migrations", ({ place: newPlace, dialect }) => {
  const add = "ALTER TABLE settings ADD COLUMN note text;";

  it("are what the schema says, and its tool finds nothing to add", async () => {
    const [migrated, described] = [await newPlace(), await newPlace()];
    await openAndClose(migrated);
    await runSql(described, [CREATE_MIGRATIONS_TABLE, ...(await schemaChange(dialect, true)).statements].join(";\n"));
    expect(await readCatalogue(migrated)).toEqual(await readCatalogue(described));
    expect((await schemaChange(dialect)).statements).toEqual([]);
  });

  it("bring the oldest schema to the newest, and every row with it", async () => {
    const [old, fresh] = [await newPlace(), await newPlace()];
    await oldest(old, dialect);
    await openAndClose(fresh);
    const store = await openStore({ ...old, allowMigrate: true });
    const rows = await everyRow(store).finally(() => store.close());
    expect(await readCatalogue(old)).toEqual(await readCatalogue(fresh));
    const empty = Object.entries(rows).flatMap(([name, some]) => (some.length === 0 ? [name] : []));
    expect(empty.filter((name) => !NEWER.test(name))).toEqual([]);
    expect(rows["repositories"]).toMatchObject([{ encryption: true, freeBytes: Number.MAX_SAFE_INTEGER }]);
    expect(rows["backups"]).toMatchObject([
      { pinned: true, tags: { a: "b" }, totalBytes: 5_497_558_138_880, recordedAt: new Date(1_767_225_700_000) },
    ]);
    expect(rows["drills"]).toMatchObject([{ restoreSeconds: 1.25, drilledAt: new Date(1_767_225_900_000) }]);
  });

  it("leave a database as it was when one fails", async () => {
    const place = await newPlace();
    await oldest(place, dialect);
    await openAndClose({ ...place, allowMigrate: true });
    const before = await readCatalogue(place);
    const migrations = await withAnother(dialect, `${add}\n--> statement-breakpoint\nCREATE TABLE settings (x text);`);
    await expect(openStore({ ...place, allowMigrate: true, migrations })).rejects.toMatchObject({
      code: "INTERNAL_ERROR",
    });
    expect(await readCatalogue(place)).toEqual(before);
    await openAndClose(place);
  });

  it("refuse a database of a newer version, of another line, and of another program", async () => {
    const [newer, other, foreign] = [await newPlace(), await newPlace(), await newPlace()];
    await openAndClose(newer);
    await openAndClose({ ...newer, allowMigrate: true, migrations: await withAnother(dialect, add) });
    const refused = (problem: RegExp) => ({ code: "BAD_CONFIG", message: expect.stringMatching(problem) });
    await expect(openStore(newer)).rejects.toMatchObject(refused(/newer Holdfast/));
    await openAndClose(other);
    await runSql(other, "UPDATE schema_migrations SET sha256 = 'x'");
    await expect(openStore(other)).rejects.toMatchObject(refused(/another line/));
    await runSql(foreign, "CREATE TABLE wordpress (id text)");
    await expect(openStore(foreign)).rejects.toMatchObject(refused(/another program/));
  });

  it("come after a backup: SQLite's own copy, PostgreSQL's by who runs it", async () => {
    const place = await newPlace();
    await oldest(place, dialect);
    await openAndClose({ ...place, allowMigrate: true });
    const before = await readCatalogue(place);
    const migrations = await withAnother(dialect, add);
    if (!("file" in place)) {
      const message = expect.stringMatching(/pg_dump.*--allow-migrate/);
      await expect(openStore({ ...place, migrations })).rejects.toMatchObject({ code: "BAD_CONFIG", message });
      expect(await readCatalogue(place)).toEqual(before);
      return await openAndClose({ ...place, migrations, allowMigrate: true });
    }
    const said: unknown[] = [];
    await openAndClose({ ...place, migrations, announce: (sentence, facts) => said.push([sentence, facts]) });
    const folder = dirname(place.file);
    const copies = (await readdir(folder)).filter((name) => name.startsWith("controller.db.before-9999-next-"));
    expect(copies).toHaveLength(1);
    const copy = join(folder, copies[0] ?? "");
    expect(said).toEqual([["the database is copied, then migrated", { copy, migrations: ["9999-next"] }]]);
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    expect(await readCatalogue({ file: copy })).toEqual(before);
    expect(await readCatalogue(place)).not.toEqual(before);
  });
});
