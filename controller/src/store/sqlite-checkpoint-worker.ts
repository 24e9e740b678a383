/** The thread of `sqlite-checkpoint.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

export type CheckpointOrder = "checkpoint" | "end";

/** How long the end of readers is waited for; the next checkpoint tries again. */
const PATIENCE_MS = 50;
const CACHE_KIB = 256;

const { file } = workerData as { file: string };
const connection = new Database(file, { timeout: PATIENCE_MS, fileMustExist: true });
connection.pragma("synchronous = FULL");
connection.pragma(`cache_size = -${CACHE_KIB}`);

parentPort?.on("message", (order: CheckpointOrder) => {
  if (order === "checkpoint") {
    // Most is copied while commits go on; then the little that came meanwhile, so that the log begins anew.
    connection.pragma("wal_checkpoint(PASSIVE)");
    connection.pragma("wal_checkpoint(RESTART)");
    parentPort?.postMessage("done");
  } else {
    connection.close();
    parentPort?.close();
  }
});
