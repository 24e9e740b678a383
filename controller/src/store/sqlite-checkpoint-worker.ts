/** The thread of `sqlite-checkpoint.ts`. */
import { fdatasyncSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/** `copy` while others write, then `finish` while nobody does. */
export type CheckpointOrder = "copy" | "finish" | "end";
export type CheckpointAnswer = "copied" | "finished";

const CACHE_KIB = 256;

const { file, descriptor } = workerData as { file: string; descriptor: number };
const connection = new Database(file, { timeout: 0, fileMustExist: true });
connection.pragma("synchronous = FULL");
connection.pragma(`cache_size = -${CACHE_KIB}`);

const answer = (given: CheckpointAnswer): void => parentPort?.postMessage(given);
/** Waits for nobody: what a reader still needs stays for the next time. */
const copy = (): unknown => connection.pragma("wal_checkpoint(PASSIVE)");

const ORDERS: Record<CheckpointOrder, () => void> = {
  copy() {
    copy();
    // SQLite would do that only at the end, while all writers wait.
    fdatasyncSync(descriptor);
    copy();
    answer("copied");
  },
  finish() {
    copy();
    answer("finished");
  },
  end() {
    connection.close();
    parentPort?.close();
  },
};

parentPort?.on("message", (order: CheckpointOrder) => ORDERS[order]());
