import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import type { BlockNode } from "../../../qemu/daemon.ts";
import type { Qmp } from "../../../qemu/qmp.ts";
import { SOURCE_NODE } from "../source.ts";
import { markName, nodeName } from "./qmp-names.ts";

/** What the kernel allows for the path of a unix socket, less its NUL. */
const LONGEST_SOCKET_PATH = 107;

/** Starts the VM's NBD server on a private socket in the folder. Throws BUSY when the VM runs one already. */
export async function startServer(qmp: Qmp, job: string, folder: string): Promise<string> {
  const path = join(folder, `${job}.sock`);
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    const message = `${path} is too long for a socket`;
    throw new HoldfastError("BAD_REQUEST", { message, remedy: "Set `fleece_folder` to a shorter path." });
  }
  try {
    await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path } } });
  } catch (cause) {
    if (!(cause instanceof HoldfastError) || !/already running/i.test(cause.message)) throw cause;
    const message = "the VM already runs an NBD server, and QEMU can run only one";
    const remedy =
      "End what uses it (a storage migration, another backup program) or run `nbd-server-stop` in its monitor.";
    throw new HoldfastError("BUSY", { message, remedy, cause });
  }
  await chmod(path, 0o600);
  return path;
}

/** Exports a frozen disk read-only, with its mark as `qemu:dirty-bitmap:`. */
export async function addExport(qmp: Qmp, job: string, index: number, disk: { node: string }): Promise<void> {
  const name = markName(job, index);
  await qmp.execute("block-export-add", {
    type: "nbd",
    id: name,
    name,
    "node-name": nodeName(job, index, "view"),
    writable: false,
    bitmaps: [{ node: disk.node, name }],
  });
}

/** The frozen disk as a node of the job's storage daemon. */
export function sourceNode(socket: string, job: string, index: number): BlockNode {
  const server = { type: "unix", path: socket };
  return { driver: "nbd", "node-name": SOURCE_NODE, "read-only": true, server, export: markName(job, index) };
}
