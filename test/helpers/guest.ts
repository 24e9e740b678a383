/**
 * A real VM for tests, emulated. It has no operating system of its own unless `boot` is given: the test writes through
 * the guest's own devices (`write`), which takes the same way through QEMU as a guest's write, and is deterministic.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectQmp, type Qmp } from "../../agent/src/qemu/qmp.ts";

export type GuestDisk = {
  /** Names the device, and the node of `attach: "blockdev"`. */
  id: string;
  path: string;
  format: "raw" | "qcow2";
  /** How the disk is given to QEMU: `-blockdev` (default) or the older `-drive`. */
  attach?: "blockdev" | "drive";
  device?: "virtio-blk-pci" | "ide-hd";
  /** Further properties of the device, e.g. `iothread=io0`. */
  properties?: string;
};

export type GuestOptions = {
  /** Folder for the sockets; short, because their paths are. */
  folder: string;
  disks: readonly GuestDisk[];
  /** A boot sector's image. */
  boot?: string;
  /** Further arguments for QEMU. */
  args?: readonly string[];
};

export type Guest = {
  pid: number;
  /** The monitor that the product uses. */
  socket: string;
  /** A second monitor, for the test. */
  qmp: Qmp;
  /** What the guest printed on its serial port goes to this file. */
  serial: string;
  /** Writes `length` bytes of one value through the guest's device; rejects when the guest would see an error. */
  write: (id: string, offset: number, length: number, value: number) => Promise<void>;
  /** Rejects unless the guest's device reads `length` bytes of that value. */
  expect: (id: string, offset: number, length: number, value: number) => Promise<void>;
  /** Ends QEMU in an orderly way, which keeps persistent bitmaps. */
  quit: () => Promise<void>;
  /** kill -9. */
  kill: () => Promise<void>;
  running: () => boolean;
};

/** Every command of `test/fixtures/guest/busy-writer.s`, assembled. */
const BUSY_WRITER =
  "+jHAjtiOwI7QvAB8+/xm/wZcfGahXHy/AIC5AARm86tmoVx8ZiX/AwAAZsHgA2ajaHyygegTALKC6A4A9gZcfA91y7Au6A4A68S+YHy4AEPNE3MGsEW6+APuw5AAAAAAEAAIAACA";

/** Writes the image of a guest that counts up on its second and third disk, in this order, without end. */
export async function makeBusyBoot(path: string): Promise<void> {
  const image = Buffer.alloc(1024 * 1024);
  Buffer.from(BUSY_WRITER, "base64").copy(image);
  image.writeUInt16LE(0xaa55, 510);
  await writeFile(path, image);
}

function diskArguments(disk: GuestDisk, bootIndex: number): string[] {
  const properties = disk.properties === undefined ? "" : `,${disk.properties}`;
  const device = `${disk.device ?? "virtio-blk-pci"},drive=${disk.id},id=${disk.id}-dev,bootindex=${bootIndex}${properties}`;
  if (disk.attach === "drive") {
    return ["-drive", `if=none,id=${disk.id},file=${disk.path},format=${disk.format},discard=unmap`, "-device", device];
  }
  const node = `driver=${disk.format},node-name=${disk.id},discard=unmap,file.driver=file,file.discard=unmap,file.filename=${disk.path}`;
  return ["-blockdev", node, "-device", device];
}

async function connect(path: string, child: ChildProcess, errors: () => string): Promise<Qmp> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await connectQmp(path);
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`QEMU did not start: ${errors()}`, { cause: error });
      }
      await new Promise((wake) => setTimeout(wake, 10));
    }
  }
}

/** `qemu-io` on the device as QEMU's own monitor runs it; what goes wrong there is only said in words. */
async function deviceIo(qmp: Qmp, id: string, command: string): Promise<void> {
  const drives = (await qmp.execute("query-block")) as { qdev?: string }[];
  const qdev = drives.map((drive) => drive.qdev ?? "").find((path) => path.split("/").includes(`${id}-dev`));
  if (qdev === undefined) throw new Error(`the guest has no device ${id}-dev`);
  const line = `qemu-io -d ${qdev} "${command}"`;
  const said = String(await qmp.execute("human-monitor-command", { "command-line": line }));
  if (/fail|error/i.test(said)) throw new Error(`the guest's ${command} on ${id}: ${said}`);
}

/** Starts a VM; ends it with `kill` or `quit`. */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  const [socket, own, serial] = ["qmp.sock", "test.sock", "serial"].map((name) => join(options.folder, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([socket, own].map((path) => rm(path, { force: true })));
  const boot: GuestDisk[] = options.boot === undefined ? [] : [{ id: "boot", path: options.boot, format: "raw" }];
  const child = spawn(
    "qemu-system-x86_64",
    [
      ...["-M", "q35", "-accel", "tcg,thread=single", "-m", "32", "-nodefaults", "-no-user-config", "-display", "none"],
      ...["-qmp", `unix:${socket},server=on,wait=off`, "-qmp", `unix:${own},server=on,wait=off`],
      // Without a boot sector the firmware would only burn a processor.
      ...(options.boot === undefined ? ["-S"] : ["-serial", `file:${serial}`]),
      ...(options.args ?? []),
      ...[...boot, ...options.disks].flatMap((disk, index) => diskArguments(disk, index)),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const qmp = await connect(own, child, () => errors);
  return {
    pid: child.pid ?? 0,
    socket,
    qmp,
    serial,
    write: (id, offset, length, value) => deviceIo(qmp, id, `write -P ${value} ${offset} ${length}`),
    expect: (id, offset, length, value) => deviceIo(qmp, id, `read -P ${value} ${offset} ${length}`),
    quit: async () => {
      await qmp.execute("quit");
      await ended;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
      qmp.close();
    },
    running: () => child.exitCode === null && child.signalCode === null,
  };
}
