import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import type { Qmp } from "../../../qemu/qmp.ts";
import { gateNode, isOwnFolder, jobOfFolder } from "./qmp-fleece.ts";
import { isRunning, jobOf, markName, nodeName, type Part } from "./qmp-names.ts";
import { listDrives, listExports, listNodes, type VmNode } from "./qmp-vm.ts";

const EXPORT_GONE_MS = 10_000;

type Attempt = (doing: string, work: () => Promise<unknown>) => Promise<void>;

/** Runs steps of which each must be tried although an earlier one failed. */
function attempts(): { problems: string[]; attempt: Attempt } {
  const problems: string[] = [];
  const attempt: Attempt = async (doing, work) => {
    try {
      await work();
    } catch (error) {
      problems.push(`${doing}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return { problems, attempt };
}

/** `block-export-del` only begins the removal: the nodes are free when the export is no longer listed. */
async function removeExports(qmp: Qmp, job: string, attempt: Attempt): Promise<number> {
  const ours = async (): Promise<{ id: string }[]> => (await listExports(qmp)).filter(({ id }) => jobOf(id) === job);
  for (const { id } of await ours()) {
    await attempt("the VM's export stays", () => qmp.execute("block-export-del", { id, mode: "hard" }));
  }
  const deadline = Date.now() + EXPORT_GONE_MS;
  while ((await ours()).length > 0 && Date.now() < deadline) await new Promise((wake) => setTimeout(wake, 5));
  return (await listExports(qmp)).length;
}

/** Turns every gate back to its disk and takes the filters and fleeces away. The guest writes on all the while. */
async function removeNodes(qmp: Qmp, job: string, attempt: Attempt): Promise<void> {
  const nodes = await listNodes(qmp);
  const names = new Set(nodes.map((node) => node["node-name"]));
  const remove = async (index: number, part: Part): Promise<void> => {
    const name = nodeName(job, index, part);
    if (!names.has(name)) return;
    await attempt("a node of the backup stays in the VM", () => qmp.execute("blockdev-del", { "node-name": name }));
  };
  const indexes = indexesOf(nodes, job);
  for (const index of indexes) await remove(index, "view");
  for (const index of indexes) {
    const disk = nodes.find((node) => hasMark(node, markName(job, index)))?.["node-name"];
    const gated = names.has(nodeName(job, index, "gate")) && disk !== undefined;
    if (gated) {
      const options = [gateNode(job, index, disk)];
      await attempt("the VM's disk stays behind the backup's filter", () =>
        qmp.execute("blockdev-reopen", { options }),
      );
    }
    await remove(index, "cbw");
    if (gated) await attempt("the VM's disk stays behind the backup's gate", () => openGate(qmp, job, index, disk));
    for (const part of ["gate", "temp", "box", "file"] as const) await remove(index, part);
    if (disk === undefined) continue;
    const mark = { node: disk, name: markName(job, index) };
    await attempt("the backup's mark stays in the VM", () => qmp.execute("block-dirty-bitmap-remove", mark));
  }
}

async function openGate(qmp: Qmp, job: string, index: number, disk: string): Promise<void> {
  const gate = nodeName(job, index, "gate");
  const drive = (await listDrives(qmp)).find((one) => one.inserted?.["node-name"] === gate);
  if (drive?.qdev === undefined) return;
  const path = drive.qdev.startsWith("/") ? drive.qdev : `/machine/peripheral/${drive.qdev}`;
  await qmp.execute("qom-set", { path, property: "drive", value: disk });
}

function hasMark(node: VmNode, mark: string): boolean {
  return (node["dirty-bitmaps"] ?? []).some((bitmap) => bitmap.name === mark);
}

function indexesOf(nodes: readonly VmNode[], job: string): number[] {
  const names = nodes.flatMap((node) => [node["node-name"], ...(node["dirty-bitmaps"] ?? []).map(({ name }) => name)]);
  const found = names
    .filter((name) => jobOf(name) === job)
    .map((name) => Number(name.slice(job.length + 1).split("-")[0]));
  return [...new Set(found)].sort((a, b) => a - b);
}

async function dismissJobs(qmp: Qmp, job: string, attempt: Attempt): Promise<void> {
  const jobs = (await qmp.execute("query-jobs")) as { id: string; status: string }[];
  for (const { id } of jobs.filter((one) => jobOf(one.id) === job && one.status === "concluded")) {
    await attempt("a finished job stays in the VM", () => qmp.execute("job-dismiss", { id }));
  }
}

/**
 * Takes a job's exports, NBD server, nodes, marks and files away, whatever of them is there. Returns what could not be
 * removed, as sentences.
 */
export async function removeJob(qmp: Qmp, job: string): Promise<string[]> {
  const { problems, attempt } = attempts();
  const nodes = (await listNodes(qmp)).filter((node) => jobOf(node["node-name"]) === job);
  const fleeces = nodes.filter((node) => node.drv === "file").map((node) => node.file);
  const left = await removeExports(qmp, job, attempt);
  // A server that nobody exports through is ours once a view is there; to find it stopped already is fine.
  const published = nodes.some((node) => node.drv === "snapshot-access");
  if (published && left === 0) await qmp.execute("nbd-server-stop").catch(() => undefined);
  await dismissJobs(qmp, job, attempt);
  await removeNodes(qmp, job, attempt);
  for (const folder of new Set(fleeces.map((path) => dirname(path)))) await removeFiles(job, folder, attempt);
  return problems;
}

async function removeFiles(job: string, folder: string, attempt: Attempt): Promise<void> {
  await attempt(`files of the backup stay in ${folder}`, async () => {
    if (isOwnFolder(basename(folder))) return await rm(folder, { recursive: true, force: true });
    for (const name of await readdir(folder)) {
      if (jobOf(name) === job) await rm(join(folder, name), { force: true });
    }
  });
}

/** Removes what is left in a folder of a job, after its VM is gone too. Returns what could not be removed. */
export async function removeJobFiles(job: string, folder: string): Promise<string[]> {
  const { problems, attempt } = attempts();
  await removeFiles(job, folder, attempt);
  return problems;
}

/** Removes fleeces of jobs that are over from a folder and from our private folders; a VM that still has one open keeps it. */
export async function sweepFolder(folder: string | undefined): Promise<void> {
  const entries = folder === undefined ? [] : await readdir(folder);
  for (const name of entries.filter((one) => /\.(fleece|sock)$/.test(one))) {
    const job = jobOf(name);
    if (job !== undefined && !(await isRunning(job))) await rm(join(folder ?? "", name), { force: true });
  }
  for (const name of await readdir(tmpdir())) {
    const job = jobOf(jobOfFolder(name));
    if (job !== undefined && !(await isRunning(job))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Removes what killed backups left in the VM. Throws BUSY when another backup of this VM is running. */
export async function removeLeftovers(qmp: Qmp): Promise<string[]> {
  const names = (await listNodes(qmp)).flatMap((node) => [
    node["node-name"],
    ...(node["dirty-bitmaps"] ?? []).map((bitmap) => bitmap.name),
  ]);
  const jobs = new Set([...names, ...(await listExports(qmp)).map(({ id }) => id)].map(jobOf));
  const problems: string[] = [];
  for (const job of jobs) {
    if (job === undefined) continue;
    if (await isRunning(job)) {
      const remedy = "Wait for it, or cancel it.";
      throw new HoldfastError("BUSY", { message: "another backup of this VM is running", remedy, details: job });
    }
    problems.push(...(await removeJob(qmp, job)));
  }
  return problems;
}
