/** Where a restored disk goes: a new file that appears when it is whole, or a block device nobody uses. */
import { constants } from "node:fs";
import { lstat, open, readFile, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { PARTIAL, renameDurably, syncFile } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";

export type TargetOptions = {
  format: "raw" | "qcow2";
  overwrite: boolean;
  /** The disk's size in bytes. */
  diskSize: number;
  /** So many bytes of it are data. */
  dataBytes: number;
};

export type Target = {
  /** What qemu-img writes to. */
  path: string;
  /** true for a block device. */
  inPlace: boolean;
  /** Makes it durable and gives it its name. */
  finish: () => Promise<void>;
  /** Removes what is unfinished; a device keeps what was written. */
  abandon: () => Promise<void>;
};

/**
 * Prepares the target and refuses what would do harm. CONFLICT for a file or device that is there (without
 * `overwrite`), NO_SPACE, BUSY for a device in use, BAD_REQUEST for one that is too small or asked for as qcow2.
 */
export async function openTarget(path: string, options: TargetOptions): Promise<Target> {
  const found = await lookAt(path);
  if (found?.isBlockDevice()) return await openDevice(path, found.rdev, options);
  if (found !== undefined && !found.isFile())
    throw new HoldfastError("BAD_REQUEST", { message: `${path} is neither a file nor a block device` });
  if (found !== undefined && !options.overwrite) throw exists(path);
  return await openFile(path, options);
}

async function lookAt(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw asHoldfastError(error, `looking at ${path}`);
  }
}

function exists(path: string): HoldfastError {
  return new HoldfastError("CONFLICT", {
    message: `${path} exists already`,
    remedy: "Choose another target, or say explicitly that it may be overwritten.",
  });
}

async function openFile(path: string, { format, dataBytes, diskSize }: TargetOptions): Promise<Target> {
  const partial = `${path}${PARTIAL}`;
  await refuseTooLittleSpace(dirname(path), dataBytes);
  await createPrivate(partial);
  return {
    path: partial,
    inPlace: false,
    finish: async () => {
      if (format === "raw") await cutTo(partial, diskSize);
      await syncFile(partial);
      await renameDurably(partial, path);
    },
    abandon: () => rm(partial, { force: true }),
  };
}

/** A disk's content is nobody else's business; what a killed restore left is written over. */
async function createPrivate(partial: string): Promise<void> {
  const found = await lstat(partial).catch(() => undefined);
  if (found !== undefined && !found.isFile())
    throw new HoldfastError("CONFLICT", { message: `${partial} is in the way`, remedy: "Remove it, then try again." });
  try {
    await using _created = await open(partial, constants.O_CREAT | constants.O_WRONLY, 0o600);
  } catch (error) {
    throw asHoldfastError(error, `creating ${partial}`);
  }
}

/** QEMU writes whole sectors; a disk whose size is none ends inside the last one. */
async function cutTo(path: string, size: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.truncate(size);
}

/** Throws NO_SPACE when the file system that holds `folder` has less room than the disk's data needs. */
export async function refuseTooLittleSpace(folder: string, needed: number): Promise<void> {
  const free = await freeSpace(folder);
  if (free >= needed) return;
  throw new HoldfastError("NO_SPACE", {
    message: `${folder} has ${free} bytes free, the disk's data needs ${needed}`,
    remedy: "Free space there, or choose another file system.",
  });
}

/** Bytes that this user may still write there. */
async function freeSpace(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    throw asHoldfastError(error, `looking at ${folder}`);
  }
}

async function openDevice(path: string, rdev: number, options: TargetOptions): Promise<Target> {
  if (options.format !== "raw")
    throw new HoldfastError("BAD_REQUEST", { message: `${path} is a block device: only format raw makes sense there` });
  if (!options.overwrite) throw exists(path);
  const size = await deviceSize(path, rdev);
  if (size < options.diskSize)
    throw new HoldfastError("BAD_REQUEST", {
      message: `${path} has ${size} bytes, the disk ${options.diskSize}`,
      remedy: "Choose a device that is at least as large as the disk.",
    });
  // Held open until the end: while it is, nobody can mount the device or make it part of another.
  const exclusive = await open(path, constants.O_RDWR | constants.O_EXCL).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw asHoldfastError(error, `opening ${path}`);
    const remedy = "Unmount it, and take it out of any volume group or RAID, then try again.";
    throw new HoldfastError("BUSY", { message: `${path} is in use`, remedy, cause: error });
  });
  return {
    path,
    inPlace: true,
    finish: async () => {
      await exclusive.sync();
      await exclusive.close();
    },
    abandon: () => exclusive.close(),
  };
}

/** The kernel tells in sectors of 512 bytes, whatever the device's own are. */
async function deviceSize(path: string, rdev: number): Promise<number> {
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  try {
    return Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, "utf8")) * 512;
  } catch (error) {
    throw asHoldfastError(error, `asking for the size of ${path}`);
  }
}
