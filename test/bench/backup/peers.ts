/** The programs that ours is compared with, each used as its manual advises for the job. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Measured, runInTurn, runMeasured, versionOf } from "../measured-process.ts";

/** A backup program; `name` marks a backup. Everything happens in `scratch`, also what it would keep in the home folder. */
export type Peer = {
  init: (repository: string) => Promise<unknown>;
  backup: (repository: string, disk: string, name: string) => Promise<Measured>;
  check: (repository: string) => Promise<Measured>;
  /** Restores into an empty folder. */
  restore: (repository: string, name: string, folder: string) => Promise<Measured>;
};

/** restic with its defaults; null when it is not installed. */
export async function createRestic(scratch: string): Promise<Peer | null> {
  if ((await versionOf("restic", "version")) === null) return null;
  const env = { RESTIC_PASSWORD: "bench", RESTIC_CACHE_DIR: join(scratch, "restic-cache") };
  const call = (repository: string, args: string[], cwd = scratch): Promise<Measured> =>
    runMeasured("restic", ["--repo", repository, ...args], { cwd, env });
  return {
    init: (repository) => call(repository, ["init"]),
    backup: (repository, disk, name) =>
      call(repository, ["backup", "--host", "bench", "--tag", name, disk], dirname(disk)),
    check: (repository) => call(repository, ["check", "--read-data"]),
    restore: (repository, name, folder) =>
      call(repository, ["restore", "latest", "--host", "bench", "--tag", name, "--target", folder]),
  };
}

/** borg without encryption, its fastest way; `how` goes to `borg create`. Null when it is not installed. */
export async function createBorg(scratch: string, ...how: string[]): Promise<Peer | null> {
  if ((await versionOf("borg", "--version")) === null) return null;
  const yes = { BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes", BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes" };
  const env = { BORG_BASE_DIR: join(scratch, "borg-home"), ...yes };
  const call = (args: string[], cwd = scratch): Promise<Measured> => runMeasured("borg", args, { cwd, env });
  await mkdir(env.BORG_BASE_DIR, { recursive: true });
  return {
    init: (repository) => call(["init", "--encryption", "none", repository]),
    backup: (repository, disk, name) => call(["create", ...how, `${repository}::${name}`, disk]),
    check: (repository) => call(["check", "--verify-data", repository]),
    restore: (repository, name, folder) => call(["extract", "--sparse", `${repository}::${name}`], folder),
  };
}

/** `qemu-img convert`, with what our own use of QEMU has too: writes in any order, and durable at the end. */
export async function convert(source: string, from: string, target: string, to: string, ...options: string[]) {
  const how = ["-t", "writeback", "-m", "16", "-W", "-f", from, "-O", to];
  return await runInTurn(["qemu-img", "convert", ...how, ...options, source, target], ["sync", target]);
}
