/** LUKS containers around files. QEMU measures for two seconds how long it stretches a new key, so that one is made for all. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, rename, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./disks.ts";
import { despiteLuksTiming } from "./luks-timing.ts";
import { projectRoot } from "./run-tool.ts";

const CACHE = join(projectRoot, "node_modules/.cache/holdfast-tests-luks");

/** Writes what the file holds into a new container, which this passphrase opens. */
export async function encloseInLuks(passphrase: Uint8Array, source: string, target: string): Promise<void> {
  const text = Buffer.from(passphrase).toString();
  const secret = ["--object", `secret,id=key,data=${text}`];
  const empty = join(CACHE, createHash("sha256").update(text).digest("hex"));
  if (!(await exists(empty))) await makeEmpty(empty, secret);
  await copyFile(empty, target);
  await truncate(target, (await stat(empty)).size + (await stat(source)).size);
  const container = `driver=luks,key-secret=key,file.filename=${target}`;
  await runProgram("qemu-img", "convert", "-n", "-f", "raw", ...secret, "--target-image-opts", source, container);
}

async function makeEmpty(path: string, secret: readonly string[]): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const mine = `${path}.${process.pid}`;
  const options = ["-f", "luks", ...secret, "-o", "key-secret=key,iter-time=10", mine, "0"];
  await despiteLuksTiming(() => runProgram("qemu-img", "create", "-q", ...options));
  await rename(mine, path);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
