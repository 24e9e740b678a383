/** How full the spool is, and what that means for whom. */
import { statfsSync } from "node:fs";
import { HoldfastError } from "../errors.ts";

/** ample: everything is taken. tight: log lines are given up. full: no new run may begin; the ends of runs still fit. */
export type Room = "ample" | "tight" | "full";
export type RoomLimits = {
  /** What the spool may hold, in bytes. */
  maxBytes: number;
  /** What stays free on its file system, in bytes. */
  diskReserveBytes: number;
};

const GIB = 1024 ** 3;
export const DEFAULT_LIMITS: RoomLimits = { maxBytes: GIB, diskReserveBytes: GIB / 4 };

/** Log lines have the first half; the last eighth is for the ends of what runs. */
export function roomFor(usedBytes: number, freeBytes: number, limits: RoomLimits): Room {
  const { maxBytes, diskReserveBytes } = limits;
  if (usedBytes > maxBytes - maxBytes / 8 || freeBytes < diskReserveBytes) return "full";
  if (usedBytes > maxBytes / 2 || freeBytes < 2 * diskReserveBytes) return "tight";
  return "ample";
}

/** What this process may still write to the folder's file system, in bytes. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

export function spoolFull(
  path: string,
  evidence: { waiting: number; usedBytes: number; freeBytes: number },
): HoldfastError {
  return new HoldfastError("SPOOL_FULL", {
    message: `results that the controller has not taken fill the spool ${path}: no new run begins`,
    remedy: "Bring the controller back, or free space on that file system; runs begin again by themselves.",
    details: `${evidence.waiting} events in ${evidence.usedBytes} bytes wait; ${evidence.freeBytes} bytes are free`,
  });
}
