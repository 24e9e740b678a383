import { rm } from "node:fs/promises";
import { HoldfastError } from "../errors.ts";
import { type Daemon, startDaemon } from "../exec.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { makeDaemonFolder } from "./daemon-folder.ts";
import { connectQmp, type Qmp } from "./qmp.ts";
import { secretObjects } from "./secrets.ts";

const START_TIMEOUT_MS = 10_000;
/**
 * How long each start may take to answer. QEMU 7.2 hands the monitor's socket to another thread while it starts: who comes
 * just then can be seen by both, and one waits in accept() for somebody who never comes (1 of 3,000 starts on a busy
 * host). It has greeted then, and answers nothing from then on; another one does.
 */
const NEGOTIATE_MS = [2_000, 5_000, 10_000];
const QUIT_TIMEOUT_MS = 60_000;
/** A daemon's sockets close a moment before its end is known. */
const SOCKETS_BEFORE_END_MS = 200;

/** A blockdev node as QMP's `blockdev-add` takes it; always with an explicit driver, so that nothing is probed. */
export type BlockNode = { driver: string; "node-name"?: string; [option: string]: unknown };

/** `depths`: with the context "qemu:allocation-depth". */
export type ExportOptions = { node: string; name: string; writable?: boolean; bitmaps?: string[]; depths?: boolean };

/** A qemu-storage-daemon of our own: lives for one job, and no longer than the agent. */
export type StorageDaemon = {
  qmp: Qmp;
  /** Private folder (0700) for sockets and credentials; gone with the daemon. */
  folder: string;
  addNode: (node: BlockNode) => Promise<void>;
  removeNode: (name: string) => Promise<void>;
  /** Exports a node over NBD on a unix socket of the private folder. */
  exportNbd: (options: ExportOptions) => Promise<NbdEndpoint>;
  removeExport: (name: string) => Promise<void>;
  /** Makes of an error what it is when the daemon's own sudden end lies behind it: TOOL_FAILED. */
  explain: (error: unknown) => Promise<unknown>;
  /** Asks it to end, which closes every node cleanly; throws TOOL_FAILED when it ended badly. */
  quit: () => Promise<void>;
  /** Ends it at once and removes its folder; never throws. For the way out of an error. */
  [Symbol.asyncDispose]: () => Promise<void>;
};

export type DaemonOptions = {
  /** Secret objects by id; each passes through a pipe. */
  secrets?: ReadonlyMap<string, Uint8Array>;
  /** Further `--object` options, e.g. TLS credentials. */
  objects?: (folder: string) => Promise<string[]>;
  signal?: AbortSignal | undefined;
  /** Where it runs; names of files are relative to it. */
  folder?: string;
};

/** How the daemon ended, or undefined when it still runs after that many ms. */
async function endWithin(daemon: Daemon, ms: number): Promise<Awaited<Daemon["ended"]> | undefined> {
  const late = new Promise<undefined>((wake) => setTimeout(() => wake(undefined), ms));
  return await Promise.race([daemon.ended, late]);
}

async function connectMonitor(path: string, daemon: Daemon, limitMs: number, signal?: AbortSignal): Promise<Qmp> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await connectQmp(path, signal, limitMs);
    } catch (cause) {
      const isEarly = ["ENOENT", "ECONNREFUSED"].includes((cause as NodeJS.ErrnoException).code ?? "");
      // It listens before it has read all its options, so that it can take the call and end before it answers.
      const end = await endWithin(daemon, isEarly ? 2 : SOCKETS_BEFORE_END_MS);
      if (end !== undefined) throw notStarted(end, cause);
      if (!isEarly) throw cause;
      if (Date.now() > deadline)
        throw new HoldfastError("TIMEOUT", { message: "qemu-storage-daemon did not start", cause });
    }
  }
}

/** The shell's exit code 127: there is no such command. */
function notStarted({ code, stderr: details }: Awaited<Daemon["ended"]>, cause: unknown): HoldfastError {
  const message = "qemu-storage-daemon did not start";
  if (code !== 127) return new HoldfastError("TOOL_FAILED", { message, details, cause });
  const remedy = "Install it (Debian: qemu-utils and qemu-system-common).";
  return new HoldfastError("TOOL_MISSING", { message: "qemu-storage-daemon is not installed", remedy, details, cause });
}

/** Starts a qemu-storage-daemon with a monitor and an NBD server on private unix sockets. */
export async function startStorageDaemon(options: DaemonOptions = {}): Promise<StorageDaemon> {
  for (let at = 0; ; at++) {
    try {
      return await startOne(options, NEGOTIATE_MS[at] ?? 0);
    } catch (error) {
      const isLast = at === NEGOTIATE_MS.length - 1;
      if (isLast || !(error instanceof HoldfastError) || error.code !== "TIMEOUT") throw error;
    }
  }
}

async function startOne(options: DaemonOptions, negotiateMs: number): Promise<StorageDaemon> {
  const { folder, monitor, nbd } = await makeDaemonFolder();
  const secrets = options.secrets ?? new Map<string, Uint8Array>();
  let daemon: Daemon | undefined;
  try {
    const objects = await options.objects?.(folder);
    const args = [
      ...["--chardev", `socket,id=monitor,path=${monitor},server=on,wait=off`, "--monitor", "chardev=monitor"],
      ...["--nbd-server", `addr.type=unix,addr.path=${nbd},max-connections=0`],
      ...secretObjects(secrets),
      ...(objects ?? []).flatMap((object) => ["--object", object]),
    ];
    const cwd = options.folder === undefined ? {} : { cwd: options.folder };
    daemon = await startDaemon("qemu-storage-daemon", args, { secrets: [...secrets.values()], ...cwd });
    const qmp = await connectMonitor(monitor, daemon, negotiateMs, options.signal);
    return makeSession(daemon, qmp, folder, nbd);
  } catch (error) {
    await daemon?.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function makeSession(daemon: Daemon, qmp: Qmp, folder: string, nbd: string): StorageDaemon {
  const dispose = async (): Promise<void> => {
    qmp.close();
    await daemon.stop().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  return {
    qmp,
    folder,
    addNode: async (node) => void (await qmp.execute("blockdev-add", node)),
    removeNode: async (name) => void (await qmp.execute("blockdev-del", { "node-name": name })),
    exportNbd: async ({ node, name, writable = false, bitmaps = [], depths = false }) => {
      const shared = { type: "nbd", id: `export-${name}`, "node-name": node, name, writable };
      const contexts = { ...(bitmaps.length > 0 && { bitmaps }), ...(depths && { "allocation-depth": true }) };
      await qmp.execute("block-export-add", { ...shared, ...contexts });
      return { transport: "unix", socket: nbd, exportName: name };
    },
    removeExport: (name) => removeExport(qmp, `export-${name}`),
    explain: (error) => explainEnd(daemon, error),
    quit: async () => {
      await quit(daemon, qmp);
      await dispose();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function explainEnd(daemon: Daemon, error: unknown): Promise<unknown> {
  const end = await endWithin(daemon, SOCKETS_BEFORE_END_MS);
  if (end === undefined || end.code === 0) return error;
  return new HoldfastError("TOOL_FAILED", {
    message: `qemu-storage-daemon ended in the middle of its work (${end.signal ?? `exit code ${end.code}`})`,
    remedy: "Run it again; if it happens again, see whether the host ran out of memory (dmesg).",
    details: end.stderr,
    cause: error,
  });
}

/** `block-export-del` only begins the removal; the node is free when BLOCK_EXPORT_DELETED has come. */
async function removeExport(qmp: Qmp, id: string): Promise<void> {
  const gone = Promise.withResolvers<void>();
  const forget = qmp.onEvent(({ event, data }) => {
    if (event === "BLOCK_EXPORT_DELETED" && data["id"] === id) gone.resolve();
  });
  try {
    await qmp.execute("block-export-del", { id, mode: "hard" });
    await Promise.race([gone.promise, qmp.closed]);
  } finally {
    forget();
  }
}

async function quit(daemon: Daemon, qmp: Qmp): Promise<void> {
  await qmp.execute("quit");
  const late = Promise.withResolvers<never>();
  const error = new HoldfastError("TIMEOUT", { message: "qemu-storage-daemon did not end when asked" });
  const timer = setTimeout(() => late.reject(error), QUIT_TIMEOUT_MS);
  try {
    const end = await Promise.race([daemon.ended, late.promise]);
    if (end.code !== 0) {
      throw new HoldfastError("TOOL_FAILED", { message: "qemu-storage-daemon ended badly", details: end.stderr });
    }
  } finally {
    clearTimeout(timer);
  }
}
