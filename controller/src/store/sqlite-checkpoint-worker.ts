/** The thread of `sqlite-checkpoint.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/** `copy` while others write, then `finish` while nobody does. */
export type CheckpointOrder = "copy" | "finish" | "end";
export type CheckpointAnswer = "copied" | "finished";

const CACHE_KIB = 256;

const { file } = workerData as { file: string };
const connection = new Database(file, { timeout: 0, fileMustExist: true });
connection.pragma("synchronous = FULL");
connection.pragma(`cache_size = -${CACHE_KIB}`);

/** Waits for nobody: what a reader still needs stays for the next time. */
function copy(answer: CheckpointAnswer): void {
  connection.pragma("wal_checkpoint(PASSIVE)");
  parentPort?.postMessage(answer);
}

const ORDERS: Record<CheckpointOrder, () => void> = {
  copy: () => copy("copied"),
  finish: () => copy("finished"),
  end() {
    connection.close();
    parentPort?.close();
  },
};

parentPort?.on("message", (order: CheckpointOrder) => ORDERS[order]());
