/** Real NBD servers for tests: nbdkit and qemu-storage-daemon, each on a unix socket of its own or a free TCP port. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startDaemon } from "../../agent/src/exec.ts";
import type { NbdEndpoint } from "../../agent/src/nbd/endpoint.ts";

type UnixEndpoint = NbdEndpoint & { transport: "unix" };
type TcpEndpoint = NbdEndpoint & { transport: "tcp" };
/** `pid` leads the server's process group. */
type Server<Endpoint> = AsyncDisposable & { endpoint: Endpoint; pid: number };

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

type Command = { command: string; args: readonly string[] };

/** Starts a server that keeps all it makes in one folder; the folder goes with it, also when it does not come up. */
async function start<Endpoint>(
  endpointIn: (folder: string) => Endpoint,
  commandFor: (endpoint: Endpoint, pidFile: string) => Command,
): Promise<Server<Endpoint>> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await scratchFolder());
  const pidFile = join(folder.path, "pid");
  const endpoint = endpointIn(folder.path);
  const { command, args } = commandFor(endpoint, pidFile);
  const daemon = stack.adopt(await startDaemon(command, args, {}), ({ stop }) => stop());
  await appeared(pidFile, daemon.ended);
  const owned = stack.move();
  return { endpoint, pid: daemon.pid, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const unixEndpoint =
  (exportName: string) =>
  (folder: string): UnixEndpoint => ({ transport: "unix", socket: join(folder, "nbd.sock"), exportName });

/** `nbdkit -U <socket> …args`; arguments as on its command line, filters and plugin included. */
export function startNbdkit(args: readonly string[]): Promise<Server<UnixEndpoint>> {
  return start(unixEndpoint(""), ({ socket }, pidFile) => ({
    command: "nbdkit",
    args: ["--foreground", "-U", socket, "-P", pidFile, ...args],
  }));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** `nbdkit` on 127.0.0.1. */
export async function startNbdkitTcp(args: readonly string[]): Promise<Server<TcpEndpoint>> {
  const port = await freePort();
  const endpoint: TcpEndpoint = { transport: "tcp", host: "127.0.0.1", port, exportName: "" };
  return start(
    () => endpoint,
    (_, pidFile) => ({
      command: "nbdkit",
      args: ["--foreground", "-i", "127.0.0.1", "-p", String(port), "-P", pidFile, ...args],
    }),
  );
}

/** `qemu-storage-daemon` with an export `disk` of the node of that name; `args` describe the node. */
export function startQemuExport(args: readonly string[], exportOptions = ""): Promise<Server<UnixEndpoint>> {
  return start(unixEndpoint("disk"), ({ socket }, pidFile) => ({
    command: "qemu-storage-daemon",
    args: [
      ...["--pidfile", pidFile, ...args, "--nbd-server", `addr.type=unix,addr.path=${socket}`],
      ...["--export", `type=nbd,id=export,node-name=disk,name=disk${exportOptions}`],
    ],
  }));
}
