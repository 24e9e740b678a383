/** What a backup restores to, by qemu-img alone. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "../../protocol/src/index.ts";
import { testKey } from "./kill-orders.ts";
import { digestByConvert, digestOf, type World } from "./kill-world.ts";

/** By the digests of all images of a line: the same files always restore to the same disk. */
const known = new Map<string, string>();

/** The images of one folder, by their digests; each is read once. */
export type ImageDigests = Map<string, string>;

/** sha256 of the restored disk; rejects when qemu-img cannot read the chain. */
export async function restoredDigest(
  world: World,
  folder: string,
  line: readonly Sidecar[],
  images: ImageDigests,
): Promise<string> {
  for (const { file_name: name } of line)
    if (!images.has(name)) images.set(name, digestOf(await readFile(join(folder, name))));
  const key = line.map(({ file_name }) => images.get(file_name)).join(" ");
  const before = known.get(key);
  if (before !== undefined) return before;
  const digest = await digestByConvert(world.folder, imageArguments(folder, line));
  known.set(key, digest);
  return digest;
}

/** Full first. */
export function lineTo(backup: Sidecar, all: readonly Sidecar[]): Sidecar[] {
  const parent = all.find(({ backup_id }) => backup_id === backup.parent_backup_id);
  return parent === undefined ? [backup] : [...lineTo(parent, all), backup];
}

/** An image inside LUKS needs its whole graph spelled out; any other is found by the names in its headers. */
function imageArguments(folder: string, line: readonly Sidecar[]): string[] {
  const tip = line.at(-1);
  if (tip?.image.encryption == null) return ["-f", "qcow2", join(folder, tip?.file_name ?? "")];
  const graph = line.reduce<object | null>((backing, { file_name }) => {
    const file = { driver: "file", filename: join(folder, file_name) };
    return { driver: "qcow2", file: { driver: "luks", "key-secret": "key", file }, backing };
  }, null);
  const secret = `secret,id=key,data=${Buffer.from(testKey.passphrase).toString()}`;
  return ["--object", secret, `json:${JSON.stringify(graph)}`];
}
