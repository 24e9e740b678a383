// Makes a fresh checkout ready: Node 24 and the packages (by pnpm, from the npm registry), then QEMU's tools (by apt).
// Plain JavaScript without dependencies, in words that an old Node can still read: it runs before anything is there.
// Flags: none = what `npm start` needs, --test and --bench = what those need as well, --check = the packages only.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PNPM = "pnpm@12.21.0";
const OLDEST_NODE = 20;
const root = dirname(fileURLToPath(import.meta.url));
const stamp = join(root, "node_modules", ".holdfast-setup");

/** Debian's packages by a command that each one brings; `scope` says which of npm's scripts needs it. */
const TOOLS = [
  { command: "qemu-img", package: "qemu-utils", scope: "run" },
  { command: "qemu-storage-daemon", package: "qemu-system-common", scope: "run" },
  { command: "mkfs.ext4", package: "e2fsprogs", scope: "run" },
  { command: "debugfs", package: "e2fsprogs", scope: "run" },
  { command: "qemu-system-x86_64", package: "qemu-system-x86", scope: "test" },
  { command: "nbdkit", package: "nbdkit", scope: "test" },
  { command: "nbdinfo", package: "libnbd-bin", scope: "test" },
  { command: "mkfs.ntfs", package: "ntfs-3g", scope: "test" },
  { command: "mkfs.vfat", package: "dosfstools", scope: "test" },
  { command: "mcopy", package: "mtools", scope: "test" },
  { command: "openssl", package: "openssl", scope: "test" },
  { command: "restic", package: "restic", scope: "bench" },
  { command: "borg", package: "borgbackup", scope: "bench" },
];

function wantedScopes(flags) {
  if (flags.includes("--check")) return [];
  if (flags.includes("--bench")) return ["run", "bench"];
  return flags.includes("--test") ? ["run", "test"] : ["run"];
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** The tool's own output goes to our standard error, so that `--json` on standard output stays clean. */
function run(command, args, env) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: Object.assign({}, process.env, env),
  });
  if (done.error) fail(`cannot start ${command}: ${done.error.message}`);
  return done.status === 0;
}

function refuseUnknownMachines() {
  const major = Number(process.versions.node.split(".")[0]);
  const found = `this is Node ${process.versions.node} on ${process.platform}-${process.arch}`;
  if (major < OLDEST_NODE)
    fail(`Node ${OLDEST_NODE} or newer is needed to begin with (it then fetches its own); ${found}.`);
  if (process.platform !== "linux" || process.arch !== "x64") {
    fail(`a checkout runs on Linux x64 only so far; ${found}. Use a Linux x64 machine, container or VM.`);
  }
}

/** Changes whenever the packages would; written only after an install that ended well, so a broken one is repeated. */
function packagesDigest() {
  const hash = createHash("sha256").update(PNPM);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function installPackages() {
  const digest = packagesDigest();
  const isStamped = existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (isStamped && existsSync(join(root, "node_modules", ".bin", "node"))) return;
  rmSync(stamp, { force: true });
  say("installing Node 24 and the packages (once; from the npm registry)");
  const args = ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"];
  if (!run("npx", args, { CI: "true" })) fail("the packages could not be installed: see above, then run it again.");
  writeFileSync(stamp, digest);
}

function isInstalled(command) {
  const folders = (process.env.PATH || "").split(delimiter).concat("/usr/sbin", "/sbin");
  return folders.some((folder) => folder !== "" && existsSync(join(folder, command)));
}

function installTools(scopes) {
  const isMissing = (tool) => scopes.includes(tool.scope) && !isInstalled(tool.command);
  const missing = TOOLS.filter(isMissing);
  if (missing.length === 0) return;
  const packages = Array.from(new Set(missing.map((tool) => tool.package)));
  const names = missing.map((tool) => tool.command).join(", ");
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!isInstalled("apt-get"))
    fail(`not found: ${names}. Install what brings them; Debian's packages: ${packages.join(" ")}`);
  if (process.getuid() !== 0)
    fail(`not found: ${names}. Run this, then try again:\n\n  sudo apt-get update; sudo ${command}\n`);
  say(`installing ${packages.join(" ")} (once; from Debian)`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"];
  // A foreign source that cannot be updated does not matter as long as the packages are found.
  run("apt-get", [...options, "update"], env);
  run("apt-get", [...options, "install", "-y", "--no-install-recommends", ...packages], env);
  if (TOOLS.some(isMissing)) fail(`this did not bring ${names}: ${command}`);
}

refuseUnknownMachines();
installPackages();
installTools(wantedScopes(process.argv.slice(2)));
