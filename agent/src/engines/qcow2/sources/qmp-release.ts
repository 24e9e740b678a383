import type { Qmp } from "../../../qemu/qmp.ts";
import { concludeBitmaps } from "./qmp-bitmaps.ts";
import { removeJob, removeJobFiles } from "./qmp-cleanup.ts";
import type { FleeceFolder } from "./qmp-fleece.ts";
import { forgetJob } from "./qmp-names.ts";
import { connectVm } from "./qmp-vm.ts";

/** A VM held for a backup. The monitor connection stays open throughout, which also keeps other backups off it. */
export type Hold = {
  qmp: Qmp;
  socket: string;
  guestAgent: string | undefined;
  job: string;
  folder: FleeceFolder;
  backupIds: readonly string[];
};

async function isOver(qmp: Qmp): Promise<boolean> {
  return await Promise.race([qmp.closed.then(() => true), new Promise<false>((no) => setImmediate(() => no(false)))]);
}

/** The VM may have outlived the connection, or be up again with bitmaps that came out of its image. */
async function reach(hold: Hold): Promise<Qmp | undefined> {
  if (!(await isOver(hold.qmp))) return hold.qmp;
  return await connectVm(hold.socket).catch(() => undefined);
}

async function releaseVm(hold: Hold, qmp: Qmp, outcome: "committed" | "abandoned"): Promise<string[]> {
  const problems = await removeJob(qmp, hold.job);
  for (const backupId of hold.backupIds) problems.push(...(await concludeBitmaps(qmp, backupId, outcome)));
  return problems;
}

/** Takes everything of a backup out of its VM and its folder. Never throws; returns what stays, as sentences. */
export async function releaseHold(hold: Hold, outcome: "committed" | "abandoned"): Promise<string[]> {
  const problems: string[] = [];
  const qmp = await reach(hold);
  try {
    if (qmp) problems.push(...(await releaseVm(hold, qmp, outcome)));
  } catch (error) {
    if (qmp && !(await isOver(qmp))) {
      problems.push(`the next backup of this VM tidies up: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (hold.folder.path !== "") problems.push(...(await removeJobFiles(hold.job, hold.folder.path)));
  qmp?.close();
  hold.qmp.close();
  forgetJob(hold.job);
  return problems;
}
