/** Real NBD servers for tests: nbdkit and qemu-storage-daemon, each on a unix socket of its own or a free TCP port. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startDaemon } from "../../agent/src/exec.ts";
import type { NbdEndpoint } from "../../agent/src/nbd/endpoint.ts";

export type Server<Endpoint = NbdEndpoint> = AsyncDisposable & { endpoint: Endpoint; pid: number };

/** A folder that goes away with the test. */
export async function scratchFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-nbd-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function appeared(path: string, ended: Promise<{ stderr: string }>): Promise<void> {
  let over: string | undefined;
  const noteEnd = (text: string) => {
    over = text;
  };
  ended.then(({ stderr }) => noteEnd(stderr), String);
  for (let tries = 0; tries < 500; tries++) {
    if (over !== undefined) throw new Error(`the NBD server ended: ${over}`);
    // Both programs create the pid file only once they accept connections.
    if (
      await stat(path)
        .then(({ size }) => size > 0, String)
        .then((ready) => ready === true)
    )
      return;
    await wait(10);
  }
  throw new Error("the NBD server did not come up");
}

async function start(command: string, args: readonly string[], pidFile: string) {
  const daemon = await startDaemon(command, args, {});
  try {
    await appeared(pidFile, daemon.ended);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}

/** `nbdkit -U <socket> …args`; arguments as on its command line, filters and plugin included. */
export async function startNbdkit(args: readonly string[]): Promise<Server<NbdEndpoint & { transport: "unix" }>> {
  const folder = await scratchFolder();
  const socket = join(folder.path, "nbd.sock");
  const pidFile = join(folder.path, "pid");
  const daemon = await start("nbdkit", ["--foreground", "-U", socket, "-P", pidFile, ...args], pidFile);
  return {
    endpoint: { transport: "unix", socket, exportName: "" },
    pid: daemon.pid,
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** `nbdkit` on 127.0.0.1. */
export async function startNbdkitTcp(args: readonly string[]): Promise<Server<NbdEndpoint & { transport: "tcp" }>> {
  const folder = await scratchFolder();
  const port = await freePort();
  const pidFile = join(folder.path, "pid");
  const all = ["--foreground", "-i", "127.0.0.1", "-p", String(port), "-P", pidFile, ...args];
  const daemon = await start("nbdkit", all, pidFile);
  return {
    endpoint: { transport: "tcp", host: "127.0.0.1", port, exportName: "" },
    pid: daemon.pid,
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** `qemu-storage-daemon` with an export `disk` of the node of that name; `args` describe the node. */
export async function startQemuExport(
  args: readonly string[],
  exportOptions = "",
): Promise<Server<NbdEndpoint & { transport: "unix" }>> {
  const folder = await scratchFolder();
  const socket = join(folder.path, "nbd.sock");
  const pidFile = join(folder.path, "pid");
  const daemon = await start(
    "qemu-storage-daemon",
    [
      ...["--pidfile", pidFile, ...args, "--nbd-server", `addr.type=unix,addr.path=${socket}`],
      ...["--export", `type=nbd,id=export,node-name=disk,name=disk${exportOptions}`],
    ],
    pidFile,
  );
  return {
    endpoint: { transport: "unix", socket, exportName: "disk" },
    pid: daemon.pid,
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
