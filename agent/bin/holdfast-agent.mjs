#!/usr/bin/env node
// Plain JavaScript, so that Node's cache of compiled code is on before the first TypeScript file is read: that spares
// a tenth of a second and 30 MB at each start. Whoever can write the cache decides what runs, so it lies where only
// this user can; Node's own default is a folder in /tmp that anyone may make first.
import { spawnSync } from "node:child_process";
import { closeSync, lstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { enableCompileCache, registerHooks } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

const OTHERS_MAY_WRITE = 0o022;
const FILLS_CACHE = "HOLDFAST_AGENT_FILLS_CACHE";

/** The folder for the cache, made when it is missing; undefined when it would not be ours alone. */
function cacheFolder() {
  const user = process.getuid?.();
  const base = user === 0 ? "/var/cache" : join(homedir(), ".cache");
  const folder = join(base, "holdfast-agent");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return user === undefined || (uid === user && (mode & OTHERS_MAY_WRITE) === 0) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The service runs for months, so that its first start must not be the one that compiles: what that takes is never given
 * back. Another process does, once for each version, and ends.
 */
function fillCache(folder) {
  try {
    const { mtimeMs } = statSync(new URL("../package.json", import.meta.url));
    closeSync(openSync(join(folder, `filled-${process.version}-${Math.round(mtimeMs)}`), "wx"));
  } catch {
    return;
  }
  const env = { ...process.env, [FILLS_CACHE]: "1" };
  spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--version"], { env, stdio: "ignore", timeout: 60_000 });
}

/** Packages of many small ES modules, which name each other in full. */
const WITH_FULL_NAMES = /\/node_modules\/(zod|uuid)\/.*\.js$/;

/** Where packages are, by who asks: from one package the same name always means the same. */
const found = new Map();

function packageAt(specifier, parentURL, resolved) {
  const from = `${parentURL.slice(0, parentURL.lastIndexOf("/src/"))} ${specifier}`;
  if (!found.has(from)) found.set(from, { ...resolved(), shortCircuit: true });
  return found.get(from);
}

/**
 * What makes up a third of a command's start, and is of no use: to look up on the disk, link by link, what a relative
 * import names in full, or one package for each file that imports it, and zod's sentences in sixty languages, a file each.
 */
function resolve(specifier, context, next) {
  const { parentURL = "" } = context;
  if (specifier.startsWith("node:")) return { url: specifier, format: "builtin", shortCircuit: true };
  if (/^[@a-z]/.test(specifier) && parentURL.endsWith(".ts") && parentURL.includes("/src/"))
    return packageAt(specifier, parentURL, () => next(specifier, context));
  if (specifier.startsWith(".") && specifier.endsWith(".ts"))
    return { url: new URL(specifier, parentURL).href, format: "module-typescript", shortCircuit: true };
  if (specifier === "../locales/index.js" && parentURL.includes("/zod/"))
    return { url: "data:text/javascript,export{}", format: "module", shortCircuit: true };
  if (specifier.startsWith(".") && specifier.endsWith(".js") && WITH_FULL_NAMES.test(parentURL))
    return { url: new URL(specifier, parentURL).href, format: "module", shortCircuit: true };
  return next(specifier, context);
}

registerHooks({ resolve });
const folder = cacheFolder();
if (folder !== undefined) enableCompileCache(folder);
if (process.env[FILLS_CACHE] !== undefined) {
  await import("../src/cli/main.ts");
  await import("../src/cli/commands/serve.ts");
  await import("../src/engines/qcow2/backup.ts");
} else if (process.argv.includes("serve") || process.argv.includes("aomei")) {
  if (folder !== undefined && process.argv.includes("serve")) fillCache(folder);
  // By default V8 lets what is done with lie about until it is 64 MiB of young objects and twice the old ones. These
  // two hold it to what is needed, for some tenths more time while a long log is read. Other commands read none.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=50");
}
await import("../src/cli.ts");
