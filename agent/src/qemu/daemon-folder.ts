/** The private folder of a storage daemon, for its sockets and credentials. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { makeProcessFolder, removeDeadFolders } from "../process-folder.ts";

const PREFIX = "holdfast-";
/** A socket's address has room for 108 bytes, the zero at its end among them. */
const LONGEST_SOCKET = 107;

/** Paths of the folder and of the sockets in it. */
export type DaemonFolder = { folder: string; monitor: string; nbd: string };

/** Done once: what killed agents left of their private folders, credentials among it, goes when the next one works. */
let tidied: Promise<unknown> | undefined;

/** Makes one (0700). BAD_CONFIG where the system's folder for temporary files is not usable for that, NO_SPACE. */
export async function makeDaemonFolder(): Promise<DaemonFolder> {
  tidied ??= removeDeadFolders(tmpdir(), PREFIX).catch(() => undefined);
  await tidied;
  const folder = await makeProcessFolder(tmpdir(), PREFIX).catch((error: unknown) => {
    const failed = asHoldfastError(error, `making a folder in ${tmpdir()}`);
    throw failed.code === "NO_SPACE" ? failed : unusable(failed.message, failed);
  });
  const sockets = { monitor: join(folder, "qmp.sock"), nbd: join(folder, "nbd.sock") };
  if (Object.values(sockets).every((path) => Buffer.byteLength(path) <= LONGEST_SOCKET)) return { folder, ...sockets };
  await rm(folder, { recursive: true, force: true });
  throw unusable(`the path of a socket in it is longer than ${LONGEST_SOCKET} bytes`);
}

/** Not an I/O error: that would be taken for one of the backup that is being looked at. */
function unusable(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError("BAD_CONFIG", {
    message: `the folder for temporary files, ${tmpdir()}, cannot be used: ${why}`,
    remedy: "Set TMPDIR to a folder with a short path in which the agent's user may write.",
    cause,
  });
}
