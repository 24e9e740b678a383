/** The agent's work as a process of its own, to be killed: one operation on one world, told in JSON lines. */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { drillAndRecord } from "../../agent/src/drills/bytes.ts";
import { tidyScratch } from "../../agent/src/drills/scratch.ts";
import type { BackupOutcome } from "../../agent/src/engines/engine.ts";
import { backupItem } from "../../agent/src/engines/qcow2/backup.ts";
import { asHoldfastError } from "../../agent/src/errors.ts";
import { readDisk } from "../../agent/src/repository/catalogue.ts";
import { deleteBackups } from "../../agent/src/repository/delete.ts";
import { diskFolder, lockPath } from "../../agent/src/repository/layout.ts";
import { acquireLock } from "../../agent/src/repository/lock.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import { tidyDisk } from "../../agent/src/repository/tidy.ts";
import { withItemLock } from "../../agent/src/runner/item-lock.ts";
import { noticeLost, openLedger } from "../../agent/src/runner/ledger.ts";
import { recordRun } from "../../agent/src/runner/record-run.ts";
import type { RunKind } from "../../agent/src/runner/run-record.ts";
import { verifyAndRecord } from "../../agent/src/verifiers/verify.ts";
import { DISK, ITEM_ID, type Order, requestOf, testKey, type WorkerEvent } from "../helpers/kill-orders.ts";

function tell(event: WorkerEvent): void {
  // Synchronously: what was told was told, whatever happens next.
  writeSync(1, `${JSON.stringify(event)}\n`);
}

async function backup(order: Order & { do: "backup" }, world: string): Promise<string> {
  const repository = await openRepository(join(world, "repository"));
  const context = {
    roots: [join(world, "disks")],
    nbdServers: [],
    now: () => new Date(),
    warn: (text: string) => tell({ event: "warning", text }),
  };
  const outcome: BackupOutcome = await backupItem(requestOf(order, repository, world), context);
  tell({
    event: "completed",
    backups: outcome.backups.map((each) => ({ id: each.backup_id, diskId: each.disk_id, type: each.backup_type })),
  });
  return outcome.backups.map((each) => each.backup_id).join(" ");
}

async function prove(order: Order & { do: "verify" | "drill" }, world: string): Promise<string> {
  const repository = await openRepository(join(world, "repository"));
  const folder = diskFolder(repository.path, DISK);
  const lock = await acquireLock(lockPath(folder), order.do);
  try {
    await tidyDisk(folder);
    const disk = await readDisk(repository, DISK);
    const keys = order.layout === "locked" ? testKey : null;
    if (order.do === "verify") {
      const { verification_id: id, status, reason } = await verifyAndRecord(disk, order.backupId, { keys });
      tell({ event: "proven", kind: "verification", id, status, reason });
      return status;
    }
    const scratch = { scratchFolder: join(world, "scratch"), maxScratchBytes: 2 ** 30, timeoutMs: 60_000 };
    const { drill_id: id, status, reason } = await drillAndRecord(disk, order.backupId, { keys, ...scratch });
    tell({ event: "proven", kind: "drill", id, status, reason });
    return status;
  } finally {
    lock.release();
  }
}

async function remove(ids: readonly string[], world: string): Promise<string> {
  const repository = await openRepository(join(world, "repository"));
  const floor = { minPoints: 1, minAgeDays: 0 };
  const { removed } = await deleteBackups(repository, DISK, ids, { floor, now: new Date() });
  tell({ event: "removed", ids: removed });
  return removed.join(" ");
}

async function work(order: Order, world: string): Promise<string> {
  switch (order.do) {
    case "backup":
      return await backup(order, world);
    case "verify":
    case "drill":
      return await prove(order, world);
    case "removal":
      return await remove(order.backupIds, world);
  }
}

/** What the agent does around every piece of work: start-up's tidying, the ledger, one run at a time. */
async function main(order: Order, world: string): Promise<void> {
  const ledger = await openLedger(join(world, "state"));
  await noticeLost(ledger, new Date());
  await tidyScratch(join(world, "scratch"));
  const kind: RunKind = order.do;
  await withItemLock(join(world, "state"), ITEM_ID, kind, () =>
    recordRun(ledger, { kind, item: ITEM_ID, now: () => new Date() }, async () => {
      return { value: undefined, outcome: await work(order, world) };
    }),
  );
}

const [order, world] = process.argv.slice(2);
tell({ event: "ready" });
try {
  await main(JSON.parse(order ?? "") as Order, world ?? "");
  tell({ event: "end" });
} catch (error) {
  const { code, message, details } = asHoldfastError(error, "the worker");
  tell({ event: "failed", code, message, details: details ?? null });
  process.exitCode = 1;
}
