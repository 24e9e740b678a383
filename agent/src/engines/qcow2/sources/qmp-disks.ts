import { HoldfastError } from "../../../errors.ts";
import type { Qmp } from "../../../qemu/qmp.ts";
import { listDrives, qemuVersion, type VmDrive } from "./qmp-vm.ts";

/** A disk of a running VM: the device that the guest uses, and the node that holds its bytes and bitmaps. */
export type VmDisk = {
  qdev: string;
  node: string;
  driver: string;
  /** The file that QEMU names as the disk's; not always a path. */
  file: string;
  size: number;
};

/** Before 9.0 QEMU aborts when an NBD client leaves an export that lives in an iothread: the guest would die. */
const IOTHREAD_EXPORTS_SAFE = 900;

function qomPath(qdev: string): string {
  return qdev.startsWith("/") ? qdev : `/machine/peripheral/${qdev}`;
}

function answersTo(drive: VmDrive, wanted: string): boolean {
  if (drive.device !== "" && drive.device === wanted) return true;
  if (drive.inserted?.["node-name"] === wanted) return true;
  if (drive.qdev === undefined) return false;
  const path = qomPath(drive.qdev);
  return drive.qdev === wanted || path === wanted || path.startsWith(`${qomPath(wanted)}/`);
}

function describe(drive: VmDrive): string {
  const names = [drive.device, drive.qdev, drive.inserted?.["node-name"]].filter((name) => name !== undefined && name);
  return names.join(" = ");
}

/**
 * Finds the drive that a device id, qdev id or path, or node name means. Pure. Throws NOT_FOUND with the candidates,
 * SOURCE_EMPTY for a drive without medium, SOURCE_NOT_A_DISK for one that cannot be backed up as a disk.
 */
function pickDisk(drives: readonly VmDrive[], wanted: string): VmDisk {
  const drive = drives.find((candidate) => answersTo(candidate, wanted));
  if (!drive) {
    const candidates = drives.filter((one) => !one.removable && one.inserted).map(describe);
    const remedy = `Name one of its disks: ${candidates.join("; ") || "it has none"}.`;
    throw new HoldfastError("NOT_FOUND", { message: `the VM has no disk ${wanted}`, remedy });
  }
  if (!drive.inserted)
    throw new HoldfastError("SOURCE_EMPTY", { message: `there is no medium in the drive ${wanted}` });
  const refuse = (message: string, remedy: string): HoldfastError =>
    new HoldfastError("SOURCE_NOT_A_DISK", { message, remedy });
  if (drive.removable) throw refuse(`${wanted} is a removable drive`, "Back up the VM's fixed disks.");
  if (drive.inserted.ro)
    throw refuse(`${wanted} is read-only in the VM`, "Back its image up as a file: it cannot change.");
  if (drive.qdev === undefined) throw refuse(`${wanted} is not attached to the VM`, "Back its image up as a file.");
  const { "node-name": node, drv: driver, file, image } = drive.inserted;
  if (image["virtual-size"] === 0)
    throw new HoldfastError("SOURCE_EMPTY", { message: `the disk ${wanted} has no bytes` });
  return { qdev: qomPath(drive.qdev), node, driver, file, size: image["virtual-size"] };
}

/** The device itself, or the controller it hangs on, may hand its disks to an iothread. */
async function usesIothread(qmp: Qmp, qdev: string): Promise<boolean> {
  const read = async (path: string, property: string): Promise<unknown> =>
    qmp.execute("qom-get", { path, property }).catch(() => "");
  if ((await read(qdev, "iothread")) !== "") return true;
  const bus = await read(qdev, "parent_bus");
  if (typeof bus !== "string" || bus === "") return false;
  return (await read(bus.slice(0, bus.lastIndexOf("/")), "iothread")) !== "";
}

/** Finds every wanted disk of the VM, in order. Throws as `pickDisk`, and BAD_REQUEST for what this QEMU cannot do. */
export async function findDisks(qmp: Qmp, wanted: readonly string[]): Promise<VmDisk[]> {
  const drives = await listDrives(qmp);
  const disks = wanted.map((device) => pickDisk(drives, device));
  if (new Set(disks.map((disk) => disk.node)).size < disks.length) {
    throw new HoldfastError("BAD_REQUEST", { message: `a disk of the VM stands twice in ${wanted.join(", ")}` });
  }
  if ((await qemuVersion(qmp)) >= IOTHREAD_EXPORTS_SAFE) return disks;
  for (const [index, disk] of disks.entries()) {
    if (!(await usesIothread(qmp, disk.qdev))) continue;
    const message = `${wanted[index]} runs in an iothread, and this QEMU would crash when its export is closed`;
    const remedy =
      "Restart the VM with QEMU 9.0 or newer or without iothread for this disk, or back it up while stopped.";
    throw new HoldfastError("BAD_REQUEST", { message, remedy });
  }
  return disks;
}
