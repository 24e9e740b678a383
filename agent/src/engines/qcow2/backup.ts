import type { Sidecar } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import { abandonJob, abandonJobs, commitTogether } from "../../repository/commit.ts";
import { decideType } from "../../repository/due.ts";
import { beginJob } from "../../repository/journal.ts";
import type { BackupContext, BackupItem, BackupOutcome, BackupRequest } from "../engine.ts";
import { type Ahead, startAhead } from "./ahead.ts";
import { describeBackup, type PointFacts, type Written } from "./describe.ts";
import { freeze } from "./freeze.ts";
import { type PreparedDisk, prepareDisks, restorePointId } from "./prepare.ts";
import { openSession } from "./session.ts";
import type { FrozenPoint } from "./source.ts";
import { writeDisk } from "./write-disk.ts";

type Working = BackupContext & { ahead: Ahead };

/** Copies one frozen disk into `.partial` files, as an increment or a full, whichever is due and possible. */
async function writeOne(
  request: BackupRequest,
  context: Working,
  prepared: PreparedDisk,
  point: FrozenPoint,
  startedAt: Date,
): Promise<Written> {
  try {
    return await tryToWrite(request, context, prepared, point, startedAt);
  } catch (error) {
    const parentProblem = prepared.parent?.problem;
    if (parentProblem === undefined || context.signal?.aborted === true) throw error;
    await abandonJob(prepared.folder, prepared.request.backupId);
    return await tryToWrite(request, context, { ...prepared, parent: null, parentProblem }, point, startedAt);
  }
}

async function tryToWrite(
  request: BackupRequest,
  context: Working,
  prepared: PreparedDisk,
  point: FrozenPoint,
  startedAt: Date,
): Promise<Written> {
  const { backupId, diskId } = prepared.request;
  const source = point.sources.find((each) => each.diskId === diskId);
  if (!source) throw new HoldfastError("INTERNAL", { message: `disk ${diskId} was not frozen` });
  await using session = await openSession(source, await context.ahead.daemonFor(source));
  const decision = decideType({
    chain: prepared.chain,
    request: request.type,
    diskSize: session.size,
    policy: request.policy,
    now: startedAt,
    parentUsable: prepared.parent !== null,
    parentProblem: prepared.parentProblem,
    caution: prepared.caution,
  });
  await beginJob(prepared.folder, { backupId, files: [], startedAt });
  const written = await writeDisk({
    session,
    folder: prepared.folder,
    backupId,
    parent: decision.type === "full" ? null : prepared.parent,
    image: request.image,
    speedLimit: request.speedLimit,
    signal: context.signal,
    onProgress: (progress) => context.onProgress?.({ diskId, ...progress }),
  }).catch(async (error: unknown) => {
    // The source knows best why it could not be read: its fleece is full, its VM is gone, its file was written to.
    if (context.signal?.aborted !== true) await source.confirm();
    throw await session.daemon.explain(error);
  });
  return { prepared, source, decision, size: session.size, written };
}

/** Writes all disks; only when each is complete and its source still stood still does the first become visible (in `backups`). */
async function writeAndCommit(
  request: BackupRequest,
  context: Working,
  disks: readonly PreparedDisk[],
  point: FrozenPoint,
  start: { at: Date; clock: number },
  backups: Sidecar[],
): Promise<void> {
  const all: Written[] = [];
  for (const prepared of disks) all.push(await writeOne(request, context, prepared, point, start.at));
  for (const { source } of all) await source.confirm();
  if (context.signal?.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
  const facts: PointFacts = {
    request,
    restorePointId: restorePointId(request, start.at, disks),
    consistency: point.consistency,
    startedAt: start.at,
    completedAt: context.now(),
    durationSeconds: (performance.now() - start.clock) / 1000,
  };
  const bodies = all.map((disk) => describeBackup(facts, disk));
  backups.push(...(await commitTogether(bodies.map((body, index) => ({ folder: disks[index]?.folder ?? "", body })))));
}

/** Takes back what a failed backup left; a failure of that is said, and start-up tries again. */
async function undo(disks: readonly PreparedDisk[], context: BackupContext): Promise<void> {
  const jobs = disks.map(({ folder, request: { backupId } }) => ({ folder, backupId }));
  await abandonJobs(jobs, (folder, error) =>
    context.warn(`what the backup left in ${folder} could not be removed yet: ${String(error)}`),
  );
}

async function backupPrepared(
  request: BackupRequest,
  context: Working,
  disks: readonly PreparedDisk[],
  start: { at: Date; clock: number },
): Promise<BackupOutcome> {
  const warnings: string[] = [];
  const warn = (sentence: string): void => {
    warnings.push(sentence);
    context.warn(sentence);
  };
  const point = await freeze(
    disks.map((disk) => disk.request),
    { ...context, warn, addBitmap: context.ahead.addBitmap },
  );
  const backups: Sidecar[] = [];
  try {
    await writeAndCommit(request, { ...context, warn }, disks, point, start, backups);
    return { restorePointId: restorePointId(request, start.at, disks), backups, warnings };
  } finally {
    const committed = backups.length === disks.length;
    if (!committed) await undo(disks, { ...context, warn });
    for (const problem of await point.release(committed ? "committed" : "abandoned")) warn(problem);
  }
}

/**
 * Makes one restore point of a VM's disks as qcow2 images. Throws a HoldfastError (BUSY, SOURCE_…, NO_SPACE, IO_ERROR,
 * CANCELLED, TOOL_…); then nothing of it is left in the repository, and the chains are as they were.
 */
export const backupItem: BackupItem = async (request, context) => {
  const start = { at: context.now(), clock: performance.now() };
  await using ahead = startAhead(request, context.signal);
  const disks = await prepareDisks(request, start.at);
  try {
    return await backupPrepared(request, { ...context, ahead }, disks, start);
  } catch (error) {
    throw asHoldfastError(error, `backup of ${request.item.vmName}`);
  } finally {
    for (const { lock } of disks) lock.release();
  }
};
