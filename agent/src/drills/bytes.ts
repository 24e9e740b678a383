/** The drill of level "bytes": restore a point for real, then prove each byte of the result. */
import { join } from "node:path";
import type { Drill, Finding, Sidecar } from "@holdfast/protocol";
import { v7 as uuidv7 } from "uuid";
import { HoldfastError } from "../errors.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { type CompareRestoredOptions, compareRestored, type RestoredComparison } from "../restore/compare-restored.ts";
import { asDamage, explainError, sentence } from "../restore/damage.ts";
import type { BackupKeys } from "../restore/keys.ts";
import { findLine, wholeLine } from "../restore/line.ts";
import { dataBytesOf, type Restored, restoreDisk } from "../restore/restore.ts";
import { refuseTooLittleSpace } from "../restore/target.ts";
import { endedBy, withTimeout } from "../verifiers/verify.ts";
import { makeScratch } from "./scratch.ts";

export type DrillProgress = { step: "restore" | "compare"; doneBytes: number; totalBytes: number };

export type DrillOptions = {
  keys: BackupKeys | null;
  /** sha256 (hex) of the map file as someone else recorded it at backup time. */
  recordedMapDigest?: string | undefined;
  /** Where the point is restored to; must exist. */
  scratchFolder: string;
  /** A point with more data than this is not drilled (inconclusive). */
  maxScratchBytes: number;
  /** For the whole drill. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DrillProgress) => void) | undefined;
  /** Bytes per second of the restore. */
  speedLimit?: number | undefined;
};

type Outcome = Pick<Drill, "status" | "reason" | "restore_seconds" | "restored_bytes" | "findings" | "findings_total">;

/**
 * Restores the point into scratch space, compares the result with the hash map, and removes it again. `failed` only
 * when the backup is to blame; what stands in the way (space, time, a tool, a key, cancelled) is `inconclusive`.
 * Throws NOT_FOUND for a backup that the disk does not have, BAD_REQUEST for an id that is none; nothing else.
 */
export async function drillBytes(disk: CatalogueDisk, backupId: string, options: DrillOptions): Promise<Drill> {
  const started = new Date();
  const signal = withTimeout(options.signal, options.timeoutMs);
  refuseUnknown(disk, backupId);
  const outcome = await attempt(disk, backupId, { ...options, signal });
  const ended = new Date();
  return {
    drill_id: `drill-${uuidv7()}`,
    backup_id: backupId,
    level: "bytes",
    ...outcome,
    started_at: started.toISOString(),
    drilled_at: ended.toISOString(),
    duration_seconds: (ended.getTime() - started.getTime()) / 1000,
  };
}

function nothingRestored(status: Drill["status"], reason: string, findings: Finding[] = []): Outcome {
  const found = { findings, findings_total: findings.length };
  return { status, reason: sentence(reason), restore_seconds: null, restored_bytes: 0, ...found };
}

/** An unknown backup is a mistake of the caller, a damaged one a result. */
function refuseUnknown(disk: CatalogueDisk, backupId: string): void {
  try {
    findLine(disk, backupId);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "REPOSITORY_DAMAGED") throw error;
  }
}

async function attempt(disk: CatalogueDisk, backupId: string, options: DrillOptions): Promise<Outcome> {
  let restored: Restored | undefined;
  try {
    const { backup } = wholeLine(disk, backupId);
    refuseOtherMap(backup, options.recordedMapDigest);
    await refuseTooMuch(dataBytesOf(backup), options);
    await using scratch = await makeScratch(options.scratchFolder);
    const target = join(scratch.folder, "disk.raw");
    restored = await restoreToScratch(disk, backupId, target, options);
    const image = { path: target, format: "raw" } as const;
    return judge(restored, await compareRestored(disk, backupId, image, compareOptions(restored, options)));
  } catch (error) {
    const done = restored && { restore_seconds: restored.seconds, restored_bytes: restored.dataBytes };
    return { ...blame(error, options.signal), ...done };
  }
}

/** A restored disk that equals a map which was replaced proves nothing. */
function refuseOtherMap({ hash_map: { file_name, sha256 } }: Sidecar, recorded: string | undefined): void {
  if (recorded === undefined || recorded === sha256) return;
  const message = `${file_name} is not the map that was recorded outside this repository when the backup was made`;
  throw new HoldfastError("MAP_DAMAGED", { message });
}

async function refuseTooMuch(needed: number, { maxScratchBytes, scratchFolder }: DrillOptions): Promise<void> {
  if (needed > maxScratchBytes)
    throw new HoldfastError("NO_SPACE", {
      message: `the point holds ${needed} bytes of data, drills may use ${maxScratchBytes}`,
      remedy: "Allow drills more scratch space, or drill another disk.",
    });
  await refuseTooLittleSpace(scratchFolder, needed);
}

async function restoreToScratch(disk: CatalogueDisk, backupId: string, target: string, options: DrillOptions) {
  const { keys, signal, timeoutMs, speedLimit } = options;
  const onProgress = (progress: { doneBytes: number; totalBytes: number }): void =>
    options.onProgress?.({ step: "restore", ...progress });
  // Past the page cache: the time and the proof are then those of the medium.
  const how = { format: "raw", direct: true } as const;
  return await restoreDisk(disk, backupId, { target, ...how, keys, signal, timeoutMs, speedLimit, onProgress });
}

function compareOptions({ dataBytes }: Restored, { keys, signal, onProgress }: DrillOptions): CompareRestoredOptions {
  const report = (doneBytes: number): void => onProgress?.({ step: "compare", doneBytes, totalBytes: dataBytes });
  return { keys, signal, onProgress: report };
}

function judge(restored: Restored, compared: RestoredComparison): Outcome {
  const { findings, findings_total, cached } = compared;
  const measured = { restore_seconds: restored.seconds, restored_bytes: restored.dataBytes, findings, findings_total };
  const wrong = findings.find(({ code }) => code === "CONTENT_MISMATCH");
  if (wrong !== undefined)
    return {
      status: "failed",
      reason: sentence(`the restored disk is not what was backed up: ${wrong.message}`),
      ...measured,
    };
  const [unread] = findings;
  if (unread !== undefined)
    return { status: "inconclusive", reason: sentence(`the scratch space failed: ${unread.message}`), ...measured };
  const how = cached ? ", read back through the page cache" : "";
  const reason = `restored in ${restored.seconds.toFixed(2)} s; all ${restored.dataBytes} bytes of data match the hash map${how}`;
  return { status: "passed", reason, ...measured };
}

function blame(error: unknown, signal: AbortSignal | undefined): Outcome {
  const ended = endedBy(signal);
  if (ended !== undefined) return nothingRestored("inconclusive", ended);
  const damage = asDamage(error);
  // An I/O error here is the scratch space's: those of the repository come as damage of the image that has them.
  if (damage === undefined || damage.code === "READ_ERROR")
    return nothingRestored("inconclusive", explainError(error, "drilling"));
  return nothingRestored("failed", damage.message, [damage]);
}
