/** What a measurement is worth nothing without: the machine and the versions. */
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { versionOf } from "./measured-process.ts";

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  16914836: "tmpfs",
  801189825: "zfs",
  2035054128: "overlay",
};

/** Lines of `name: value`. */
export async function describeMachine(scratch: string, cold: boolean): Promise<string[]> {
  const [{ type }, qemu, restic, borg] = await Promise.all([
    statfs(scratch),
    versionOf("qemu-img", "--version"),
    versionOf("restic", "version"),
    versionOf("borg", "--version"),
  ]);
  const system = FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`;
  return [
    `cpu      ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    `memory   ${(totalmem() / 1024 ** 3).toFixed(1)} GiB`,
    `kernel   ${release()}, Node ${process.versions.node}`,
    `QEMU     ${qemu ?? "not installed"}`,
    `peers    ${restic ?? "restic is not installed"}; ${borg ?? "borg is not installed"}`,
    `scratch  ${scratch} (${system})`,
    `cache    ${cold ? "cold: emptied before each run" : "warm: sources are read before each run"}`,
  ];
}
