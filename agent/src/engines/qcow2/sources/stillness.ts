import { readFile, stat } from "node:fs/promises";
import { asHoldfastError, HoldfastError } from "../../../errors.ts";

/** Something that changes whenever a source was written to, as a comparable text. */
type Fingerprint = () => Promise<string>;

/** A file's identity, size and time of change in nanoseconds. */
function fileFingerprint(path: string): Fingerprint {
  return async () => {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino} ${size} ${mtimeNs}`;
  };
}

/** The kernel's count of sectors written and discarded (Documentation/ABI/stable/sysfs-block, field 7 and 14). */
function deviceFingerprint(path: string): Fingerprint {
  return async () => {
    const { rdev } = await stat(path);
    const device = `${Math.floor(rdev / 256) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
    const fields = (await readFile(`/sys/dev/block/${device}/stat`, "utf8")).trim().split(/\s+/);
    return `${device} written ${fields[6]} discarded ${fields[13] ?? 0}`;
  };
}

/**
 * Remembers how the given files or devices stand now and returns the question whether they still stand so, which
 * throws SOURCE_CHANGED or SOURCE_MISSING. This is what stands between "offline" and a VM started half-way.
 */
export async function watchStillness(paths: readonly string[], kind: "file" | "block"): Promise<() => Promise<void>> {
  const watched = paths.map((path) => ({
    path,
    fingerprint: kind === "file" ? fileFingerprint(path) : deviceFingerprint(path),
  }));
  const before = await Promise.all(watched.map(({ fingerprint }) => fingerprint()));
  return async () => {
    for (const [index, { path, fingerprint }] of watched.entries()) {
      const now = await fingerprint().catch((error: unknown) => {
        const known = asHoldfastError(error, `source ${path}`);
        if (known.code !== "NOT_FOUND") throw known;
        throw new HoldfastError("SOURCE_MISSING", {
          message: `the source ${path} vanished during the backup`,
          cause: error,
        });
      });
      if (now === before[index]) continue;
      throw new HoldfastError("SOURCE_CHANGED", {
        message: `${path} was written to while it was read, so no single point in time was backed up`,
        remedy: "Was the VM started? Back it up through its QMP socket, or keep it stopped until the backup is done.",
        details: `before: ${before[index]}; after: ${now}`,
      });
    }
  };
}
