import { HoldfastError } from "../../../errors.ts";
import { connectQmp, type Qmp } from "../../../qemu/qmp.ts";

export type VmBitmap = { name: string; recording: boolean; busy: boolean; persistent: boolean; inconsistent?: boolean };
export type VmNode = { "node-name": string; drv: string; ro: boolean; file: string; "dirty-bitmaps"?: VmBitmap[] };
/** One drive as `query-block` tells it. */
export type VmDrive = {
  device: string;
  qdev?: string;
  removable: boolean;
  inserted?: VmNode & { image: { "virtual-size": number } };
};

/** `copy-before-write` learnt in 7.1 to give up the snapshot rather than the guest's write. */
const OLDEST_QEMU = 701;

export async function listDrives(qmp: Qmp): Promise<VmDrive[]> {
  return (await qmp.execute("query-block")) as VmDrive[];
}

export async function listNodes(qmp: Qmp): Promise<VmNode[]> {
  return (await qmp.execute("query-named-block-nodes", { flat: true })) as VmNode[];
}

export async function listExports(qmp: Qmp): Promise<{ id: string }[]> {
  return (await qmp.execute("query-block-exports")) as { id: string }[];
}

/** Major version times 100 plus minor version. */
export async function qemuVersion(qmp: Qmp): Promise<number> {
  const { qemu } = (await qmp.execute("query-version")) as { qemu: { major: number; minor: number } };
  return qemu.major * 100 + qemu.minor;
}

function cannotConnect(socket: string, cause: unknown): HoldfastError {
  const errno = (cause as NodeJS.ErrnoException).code;
  if (errno === "ENOENT" || errno === "ECONNREFUSED") {
    const remedy =
      "Start the VM, or correct the path of its monitor; a stopped VM is backed up through its image file.";
    return new HoldfastError("SOURCE_MISSING", { message: `no VM answers at ${socket}`, remedy, cause });
  }
  if (errno === "EACCES" || errno === "EPERM") {
    const remedy = "Give the agent's user access to the monitor socket.";
    return new HoldfastError("NO_PERMISSION", { message: `the VM's monitor ${socket} refuses us`, remedy, cause });
  }
  if (cause instanceof HoldfastError && cause.code === "QMP_FAILED") {
    const remedy = "A monitor socket serves one program at a time: give the VM one of its own for backups.";
    return new HoldfastError("QMP_FAILED", { message: cause.message, remedy, cause });
  }
  return cause instanceof HoldfastError
    ? cause
    : new HoldfastError("QMP_FAILED", { message: `the VM's monitor ${socket} cannot be used`, cause });
}

/** Connects to a VM. Throws SOURCE_MISSING, NO_PERMISSION, QMP_FAILED, or BAD_REQUEST when its QEMU is too old. */
export async function connectVm(socket: string, signal?: AbortSignal): Promise<Qmp> {
  const qmp = await connectQmp(socket, signal).catch((cause: unknown) => {
    throw cannotConnect(socket, cause);
  });
  try {
    const version = await qemuVersion(qmp);
    if (version >= OLDEST_QEMU) return qmp;
    const message = `the VM runs QEMU ${Math.floor(version / 100)}.${version % 100}, which cannot protect the guest from its backup`;
    const remedy = "Restart the VM with QEMU 7.1 or newer, or back its image up while it is stopped.";
    throw new HoldfastError("BAD_REQUEST", { message, remedy });
  } catch (error) {
    qmp.close();
    throw error;
  }
}
