/** The ledger of runs: one small file each in `<state_dir>/runs`, so that none vanishes unseen. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type RunKind, type ScheduledRun, timeInName } from "@holdfast/protocol";
import { PARTIAL, writeDurably } from "../durable.ts";
import { asHoldfastError } from "../errors.ts";
import { isAlive, ownIdentity } from "./process-identity.ts";
import { type EndedRecord, type RunningRecord, type RunRecord, runRecord } from "./run-record.ts";

/** So many records are kept, the newest; running ones are never dropped. */
export const KEPT_RUNS = 1000;

const FILE_NAME = /^run-.*\.json$/;

/** A record is written within moments: a partial of this age is what a kill left. */
const STALE_MS = 3_600_000;

export type LedgerView = {
  /** Newest first. */
  runs: RunRecord[];
  /** Names of files that hold no record. */
  unreadable: string[];
};

/** The ledger's folder, made when missing. */
export async function openLedger(stateDir: string): Promise<string> {
  const folder = join(stateDir, "runs");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch (error) {
    throw asHoldfastError(error, `making the agent's state folder ${folder}`);
  }
}

/** What a run is about. `repositoryId`: where; `commandId` or `scheduled`: the command or the policy that asked for it. */
export type RunAbout = {
  kind: RunKind;
  item: string;
  subject?: string | undefined;
  repositoryId?: string | undefined;
  commandId?: string | undefined;
  scheduled?: ScheduledRun | undefined;
};

/** The record of a run that this process is about to begin; nothing is written. */
export function newRun(about: RunAbout, at: Date): RunningRecord {
  const { kind, item, subject, repositoryId, commandId, scheduled } = about;
  return {
    schema: "holdfast.run/1",
    run_id: `run-${timeInName(at)}-${kind}-${randomBytes(4).toString("hex")}`,
    kind,
    item,
    subject: subject ?? null,
    ...(repositoryId !== undefined && { repository_id: repositoryId }),
    ...(commandId !== undefined && { command_id: commandId }),
    ...(scheduled !== undefined && { scheduled }),
    process: ownIdentity(),
    started_at: at.toISOString(),
    state: "running",
  };
}

/** Records durably, before anything else is done, that a run begins. */
export async function beginRun(ledger: string, record: RunningRecord): Promise<void> {
  await writeRun(ledger, record);
  await dropOldest(ledger);
}

/** Records durably how a run ended. */
export async function writeRun(ledger: string, record: RunRecord): Promise<void> {
  const path = join(ledger, `${record.run_id}.json`);
  try {
    await writeDurably(path, `${JSON.stringify(record, null, 2)}\n`, 0o600);
  } catch (error) {
    throw asHoldfastError(error, `recording the run in ${path}`);
  }
}

/** Every run that is known. */
export async function readLedger(ledger: string): Promise<LedgerView> {
  const names = await fileNames(ledger);
  const read = await Promise.all(names.map(async (name) => ({ name, record: await readRecord(ledger, name) })));
  return {
    runs: read.flatMap(({ record }) => record ?? []).sort(newestFirst),
    unreadable: read.filter(({ record }) => record === undefined).map(({ name }) => name),
  };
}

function newestFirst(a: RunRecord, b: RunRecord): number {
  return Date.parse(b.started_at) - Date.parse(a.started_at);
}

/**
 * Marks runs as lost whose process is gone; resolves with those found now. Clears what a kill left of the writing of a
 * record. Any process may do this at any time.
 */
export async function noticeLost(ledger: string, now: Date): Promise<RunRecord[]> {
  // It only takes space: what cannot be removed waits for the next time.
  await removeStale(ledger).catch(() => undefined);
  const found: RunRecord[] = [];
  for (const record of await runningRecords(ledger)) {
    if (isAlive(record.process)) continue;
    // Its last word may have been written after we read the record and before we looked for the process.
    const settled = await readRun(ledger, record.run_id);
    if (settled?.state !== "running") continue;
    const lost = lostRecord(settled, now);
    await writeRun(ledger, lost);
    found.push(lost);
  }
  return found;
}

/**
 * Every command begins with this, and nearly all of a full ledger has ended: only what holds the word is made a record of.
 * Read without giving way, a thousand take 15 ms instead of 110.
 */
async function runningRecords(ledger: string): Promise<RunningRecord[]> {
  const found: RunRecord[] = [];
  for (const name of await fileNames(ledger)) {
    const text = textOf(join(ledger, name));
    const record = text.includes('"running"') ? asRecord(text) : undefined;
    if (record !== undefined) found.push(record);
  }
  return found.sort(newestFirst).filter((record) => record.state === "running");
}

/** Empty for one that cannot be read, as for one that is gone since. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** How a run ended whose process is gone. */
export function lostRecord(running: RunningRecord, now: Date): EndedRecord {
  return { ...running, state: "lost", ended_at: now.toISOString(), error: LOST };
}

const LOST = {
  code: "LOST",
  message: "its process ended without saying how the run ended: it was killed, or the host went down",
  remedy: "Run it again; what it left half done is tidied first.",
};

async function removeStale(ledger: string): Promise<void> {
  for (const name of await readdir(ledger)) {
    if (!name.endsWith(PARTIAL)) continue;
    const path = join(ledger, name);
    const written = await stat(path).catch(() => undefined);
    if (written !== undefined && Date.now() - written.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}

/** The record of one run; undefined when there is none that can be read. */
export async function readRun(ledger: string, runId: string): Promise<RunRecord | undefined> {
  return await readRecord(ledger, `${runId}.json`);
}

async function readRecord(ledger: string, name: string): Promise<RunRecord | undefined> {
  return asRecord(await readFile(join(ledger, name), "utf8").catch(() => ""));
}

function asRecord(text: string): RunRecord | undefined {
  try {
    return runRecord.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Oldest first: the names begin with the time. */
async function fileNames(ledger: string): Promise<string[]> {
  try {
    return (await readdir(ledger)).filter((name) => FILE_NAME.test(name)).sort();
  } catch (error) {
    throw asHoldfastError(error, `reading the ledger ${ledger}`);
  }
}

async function dropOldest(ledger: string): Promise<void> {
  const names = await fileNames(ledger);
  for (const name of names.slice(0, Math.max(0, names.length - KEPT_RUNS)))
    if ((await readRecord(ledger, name))?.state !== "running") await rm(join(ledger, name), { force: true });
}
