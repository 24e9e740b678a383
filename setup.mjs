// Makes a fresh checkout ready: Node 24 and the packages (pnpm, from the npm registry), then QEMU's tools (apt).
// Plain JavaScript without dependencies, because it must run on any Node >= 20 before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PNPM = "pnpm@12.21.0";
const root = dirname(fileURLToPath(import.meta.url));
const flags = new Set(process.argv.slice(2));

/** Debian packages by the command each one brings; `scope` says which of npm's scripts needs it. */
const TOOLS = [
  { command: "qemu-img", package: "qemu-utils", scope: "run" },
  { command: "qemu-storage-daemon", package: "qemu-system-common", scope: "run" },
  { command: "mkfs.ext4", package: "e2fsprogs", scope: "run" },
  { command: "debugfs", package: "e2fsprogs", scope: "run" },
  { command: "qemu-system-x86_64", package: "qemu-system-x86", scope: "test" },
  { command: "nbdkit", package: "nbdkit", scope: "test" },
  { command: "mkfs.ntfs", package: "ntfs-3g", scope: "test" },
  { command: "ntfscp", package: "ntfs-3g", scope: "test" },
  { command: "mkfs.vfat", package: "dosfstools", scope: "test" },
  { command: "mcopy", package: "mtools", scope: "test" },
  { command: "openssl", package: "openssl", scope: "test" },
  { command: "restic", package: "restic", scope: "bench" },
  { command: "borg", package: "borgbackup", scope: "bench" },
];
const scopes = new Set(["run", ...(flags.has("--test") ? ["test"] : []), ...(flags.has("--bench") ? ["bench"] : [])]);

function say(text) {
  if (!flags.has("--quiet")) process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}

function run(command, args, env = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], env: { ...process.env, ...env } });
  if (done.error) fail(`cannot start ${command}: ${done.error.message}`);
  return done.status === 0;
}

function onPath(command) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, command)));
}

/** The packages are current when the stamp holds the lock file's size and time; it is written last. */
function installPackages() {
  const lock = statSync(join(root, "pnpm-lock.yaml"));
  const wanted = `${PNPM} ${lock.size} ${lock.mtimeMs}`;
  const stamp = join(root, "node_modules", ".holdfast-setup");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("installing Node 24 and the packages (once; from the npm registry)");
  const args = ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"];
  if (!run("npx", args, { CI: "true" })) fail("the packages could not be installed; see the lines above");
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function installTools() {
  const missing = TOOLS.filter((tool) => scopes.has(tool.scope) && !onPath(tool.command));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => tool.package))];
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  const names = missing.map((tool) => tool.command).join(", ");
  if (!onPath("apt-get")) fail(`not found: ${names}. Install what brings them here (on Debian: ${command})`);
  if (process.getuid?.() !== 0) fail(`not found: ${names}. Run this once, then try again:\n  sudo ${command}`);
  say(`installing ${packages.join(" ")} (once; from Debian)`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = () => run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], env);
  if (!run("apt-get", ["update", "-qq"], env) || !install()) fail(`this failed: ${command}`);
}

installPackages();
installTools();
