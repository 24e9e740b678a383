/** Where the host's jobs stand, kept in `<state_dir>/schedule.db`: noted before a run begins, and with its end. */
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ScheduleSpec, scheduleSpec } from "@holdfast/protocol";
import { z } from "zod";
import { isDamage } from "../spool/failures.ts";
import type { JobState } from "./state.ts";

/** `schedule`: by which it stands there; another one begins anew. */
export type NotedJob = {
  id: string;
  policyId: string;
  policyVersion: number;
  schedule: ScheduleSpec | null;
  state: JobState;
};

export type Notebook = {
  /** Whether nothing is known of earlier times: it was not there, or damaged. */
  isNew: boolean;
  all(): Map<string, NotedJob>;
  /** All or none, durably. */
  put(jobs: readonly NotedJob[]): void;
  forget(ids: readonly string[]): void;
  close(): void;
};

const TABLES = `CREATE TABLE IF NOT EXISTS jobs (
  job TEXT PRIMARY KEY, policy_id TEXT NOT NULL, policy_version INTEGER NOT NULL, settled_through TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT`;
const BUSY_MS = 10_000;

const time = z.iso.datetime().transform((text) => new Date(text));
const standing = { asked: z.object({ due: time, since: time.nullable() }).nullable() };
const attempt = { due: time, since: time.nullable(), attempt: z.number().int().positive() };
const notedState = z.object({
  schedule: scheduleSpec.nullable(),
  state: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("idle"), ...standing }),
    z.object({ kind: z.literal("running"), ...standing, ...attempt }),
    z.object({ kind: z.literal("waiting"), ...standing, ...attempt, retryAt: time }),
  ]),
});

type Log = (level: "warn", message: string) => void;

/** A damaged one is renamed to `schedule.db.damaged-<time>` and a new one begins. Throws what SQLite throws. */
export function openNotebook(stateDir: string, { now, log }: { now: Date; log: Log }): Notebook {
  const path = pathOf(stateDir);
  const isNew = !existsSync(path);
  try {
    return notebookAt(path, isNew);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const keptAs = `${path}.damaged-${now.toISOString().replace(/\D/g, "").slice(0, 14)}`;
    log("warn", `${path} is damaged and was set aside as ${keptAs}: when jobs last ran is taken from the ledger`);
    renameSync(path, keptAs);
    for (const beside of ["-wal", "-shm"]) rmSync(`${path}${beside}`, { force: true });
    return notebookAt(path, true);
  }
}

/** What it says, without writing anything; empty when there is none that can be read. */
export function readNotebook(stateDir: string): Map<string, NotedJob> {
  const path = pathOf(stateDir);
  if (!existsSync(path)) return new Map();
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    return readAll(database);
  } catch (error) {
    if (isDamage(error)) return new Map();
    throw error;
  } finally {
    database.close();
  }
}

function pathOf(stateDir: string): string {
  return join(stateDir, "schedule.db");
}

function notebookAt(path: string, isNew: boolean): Notebook {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    chmodSync(path, 0o600);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(TABLES);
    // A page that rotted must not come to light in the middle of a night's runs.
    const [check] = database.prepare("PRAGMA quick_check(1)").all();
    if (check?.["quick_check"] !== "ok")
      throw Object.assign(new Error(String(check?.["quick_check"])), { errcode: 11 });
    readAll(database);
    return { isNew, ...using(database) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function using(database: DatabaseSync): Omit<Notebook, "isNew"> {
  const put = database.prepare("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)");
  const drop = database.prepare("DELETE FROM jobs WHERE job = ?");
  return {
    all: () => readAll(database),
    put: (jobs) =>
      each(database, jobs, ({ id, policyId, policyVersion, schedule, state }) => {
        const { settledThrough, ...rest } = state;
        const text = JSON.stringify({ schedule, state: rest });
        put.run(id, policyId, policyVersion, settledThrough.toISOString(), text);
      }),
    forget: (ids) => each(database, ids, (id) => void drop.run(id)),
    close: () => database.close(),
  };
}

/** All or none. */
function each<T>(database: DatabaseSync, all: readonly T[], work: (one: T) => void): void {
  if (all.length === 0) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const one of all) work(one);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** A row that cannot be read is one of another version, or rotted: its job begins anew. */
function readAll(database: DatabaseSync): Map<string, NotedJob> {
  const rows = database.prepare("SELECT * FROM jobs").all();
  return new Map(
    rows.flatMap((row): [string, NotedJob][] => {
      const noted = readRow(row);
      return noted === null ? [] : [[noted.id, noted]];
    }),
  );
}

function readRow(row: Record<string, unknown>): NotedJob | null {
  const settledThrough = new Date(String(row["settled_through"]));
  const noted = notedState.safeParse(parsedJson(String(row["state"])));
  if (!noted.success || Number.isNaN(settledThrough.getTime())) return null;
  const { schedule, state } = noted.data;
  const [id, policyId] = [String(row["job"]), String(row["policy_id"])];
  return { id, policyId, policyVersion: Number(row["policy_version"]), schedule, state: { ...state, settledThrough } };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
