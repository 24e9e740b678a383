/** The agent's work as a process of its own, to be killed: one operation on one world, told in JSON lines. */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { tidyScratch } from "../../agent/src/drills/scratch.ts";
import type { BackupOutcome } from "../../agent/src/engines/engine.ts";
import { backupItem } from "../../agent/src/engines/qcow2/backup.ts";
import { asHoldfastError } from "../../agent/src/errors.ts";
import { readDisk } from "../../agent/src/repository/catalogue.ts";
import { diskFolder, lockPath } from "../../agent/src/repository/layout.ts";
import { acquireLock } from "../../agent/src/repository/lock.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import { tidyDisk } from "../../agent/src/repository/tidy.ts";
import type { ItemRuns, RunContext } from "../../agent/src/runner/context.ts";
import { withItem } from "../../agent/src/runner/item-lock.ts";
import { noticeLost, openLedger } from "../../agent/src/runner/ledger.ts";
import { drillTarget, verifyTarget } from "../../agent/src/runner/prove-target.ts";
import { recordRun } from "../../agent/src/runner/record-run.ts";
import { removeBackups } from "../../agent/src/runner/remove-backups.ts";
import { NO_TELLING } from "../../agent/src/runner/telling/port.ts";
import { DISK, ITEM_ID, type Order, requestOf, testKey, type WorkerEvent } from "../helpers/kill-orders.ts";

function tell(event: WorkerEvent): void {
  // Synchronously: what was told was told, whatever happens next.
  writeSync(1, `${JSON.stringify(event)}\n`);
}

function contextOf(ledger: string, world: string): RunContext {
  return {
    rules: {
      state_dir: join(world, "state"),
      scratch_dir: join(world, "scratch"),
      max_scratch_bytes: 2 ** 30,
      drill_timeout_seconds: 60,
      roots: [join(world, "disks")],
      nbd_servers: [],
      floor: { min_points: 1, min_age_days: 0 },
    },
    ledger,
    signal: new AbortController().signal,
    now: () => new Date(),
    warn: (text) => tell({ event: "warning", text }),
    telling: NO_TELLING,
  };
}

/** By the engine itself, because the key comes from the order and not from the host. */
async function backup(runs: ItemRuns, order: Order & { do: "backup" }, world: string): Promise<void> {
  const repository = await openRepository(join(world, "repository"));
  const { rules, now, warn } = runs;
  await recordRun(runs, { kind: "backup", repository }, async () => {
    const context = { roots: rules.roots, nbdServers: [], now, warn };
    const { backups }: BackupOutcome = await backupItem(requestOf(order, repository, world), context);
    tell({
      event: "completed",
      backups: backups.map((each) => ({ id: each.backup_id, diskId: each.disk_id, type: each.backup_type })),
    });
    return { value: undefined, outcome: backups.map((each) => each.backup_id).join(" ") };
  });
}

async function prove(runs: ItemRuns, order: Order & { do: "verify" | "drill" }, world: string): Promise<void> {
  const repository = await openRepository(join(world, "repository"));
  const folder = diskFolder(repository.path, DISK);
  const lock = await acquireLock(lockPath(folder), order.do);
  try {
    const { disk } = await tidyDisk(folder);
    const target = { repository, disk, backupId: order.backupId };
    const keys = order.layout === "locked" ? testKey : null;
    if (order.do === "verify") {
      const { verification_id: id, status, reason } = await verifyTarget(runs, target, { keys });
      tell({ event: "proven", kind: "verification", id, status, reason });
    } else {
      const { drill_id: id, status, reason } = await drillTarget(runs, target, { keys });
      tell({ event: "proven", kind: "drill", id, status, reason });
    }
  } finally {
    lock.release();
  }
}

async function remove(runs: ItemRuns, ids: readonly string[], world: string): Promise<void> {
  const repository = await openRepository(join(world, "repository"));
  const { removed } = await removeBackups(runs, { repository, disk: await readDisk(repository, DISK) }, ids);
  tell({ event: "removed", ids: removed });
}

async function work(runs: ItemRuns, order: Order, world: string): Promise<void> {
  switch (order.do) {
    case "backup":
      return await backup(runs, order, world);
    case "verify":
    case "drill":
      return await prove(runs, order, world);
    case "removal":
      return await remove(runs, order.backupIds, world);
  }
}

/** What the agent does around every piece of work: start-up's tidying, the ledger, one run at a time. */
async function main(order: Order, world: string): Promise<void> {
  const ledger = await openLedger(join(world, "state"));
  await noticeLost(ledger, new Date());
  await tidyScratch(join(world, "scratch"));
  await withItem(contextOf(ledger, world), ITEM_ID, order.do, (runs) => work(runs, order, world));
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
