/**
 * The only place that starts processes. Arguments are arrays, never a shell line; every process has a time limit,
 * bounded output and a C locale, and none outlives the agent (see exec-guard.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { HoldfastError } from "./errors.ts";
import { guarded } from "./exec-guard.ts";

/** Kept of standard output; `qemu-img check` can print tens of thousands of lines. */
const OUTPUT_LIMIT = 64 * 1024 * 1024;
const STDERR_KEPT = 4_000;
const KILL_AFTER_TERM_MS = 3_000;
const onPosix = process.platform !== "win32";

export type StartOptions = {
  /** Each is readable by the child once, on file descriptor 3, 4, …: secrets never stand in arguments or files. */
  secrets?: readonly Uint8Array[];
  /** Address space in bytes; an image made to exhaust memory ends its reader, not the host. */
  memoryLimit?: number;
  cwd?: string;
};

export type RunOptions = StartOptions & {
  /** Wall time in ms after which the process is killed. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Exit codes that are answers rather than failures; default `[0]`. */
  okCodes?: readonly number[];
  /** Called with the running process, e.g. to ask it for its progress. */
  onStart?: (running: { signal: (name: NodeJS.Signals) => void }) => void;
  /** Called with each piece of standard output; then `stdout` of the result stays empty. */
  onOutput?: (text: string) => void;
};

export type RunResult = { code: number; stdout: string; stderr: string };

function startChild(command: string, args: readonly string[], options: StartOptions): ChildProcess {
  const secrets = options.secrets ?? [];
  const guard = { memoryLimit: options.memoryLimit, secrets: secrets.length, cwd: options.cwd };
  const [file, argv] = onPosix ? guarded(command, args, guard) : [command, [...args]];
  const child = spawn(file, argv, {
    stdio: ["pipe", "pipe", "pipe", ...secrets.map(() => "pipe" as const)],
    env: { ...process.env, LC_ALL: "C", LANG: "C" },
    windowsHide: true,
    detached: onPosix,
    ...(!onPosix && options.cwd !== undefined && { cwd: options.cwd }),
  });
  child.stdin?.on("error", () => undefined);
  secrets.forEach((secret, index) => {
    const pipe = child.stdio[3 + index];
    if (pipe && "end" in pipe) pipe.on("error", () => undefined).end(secret);
  });
  return child;
}

/**
 * Signals the whole process group: a signal to the guard alone would leave its command behind. The group can outlive
 * the guard (a command that ignores SIGTERM), but while its output is open the group's number is not anyone else's.
 */
function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || (child.stdout?.closed && child.stderr?.closed)) return;
  try {
    if (onPosix) process.kill(-child.pid, name);
    else child.kill(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type Ended = { code: number | null; signal: NodeJS.Signals | null };

/** Resolves when the process is gone and its output read; rejects when it could not be started at all. */
function whenEnded(child: ChildProcess, command: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const remedy = `Install ${command} or put it on the PATH (\`holdfast-agent status\` lists the tools needed).`;
      reject(new HoldfastError("TOOL_MISSING", { message: `${command} could not be started`, remedy, cause }));
    });
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

function keepTail(stream: NodeJS.ReadableStream | null): () => string {
  let kept = "";
  stream?.setEncoding("utf8").on("data", (text: string) => {
    kept = `${kept}${text}`.slice(-STDERR_KEPT);
  });
  return () => kept.trim();
}

/**
 * Runs a command to its end. Throws TOOL_MISSING, TIMEOUT, CANCELLED, or TOOL_FAILED with the end of its standard
 * error when its exit code is not in `okCodes`.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  if (options.signal?.aborted) throw new HoldfastError("CANCELLED", { message: `${command}: cancelled` });
  const child = startChild(command, args, options);
  let stopped: "TIMEOUT" | "CANCELLED" | "OUTPUT" | undefined;
  const stop = (why: NonNullable<typeof stopped>): void => {
    stopped ??= why;
    signalGroup(child, "SIGKILL");
  };
  const output: string[] = [];
  let outputBytes = 0;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    if (options.onOutput) return options.onOutput(text);
    outputBytes += text.length;
    if (outputBytes > OUTPUT_LIMIT) stop("OUTPUT");
    else output.push(text);
  });
  const stderr = keepTail(child.stderr);
  const onAbort = (): void => stop("CANCELLED");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => stop("TIMEOUT"), options.timeoutMs);
  try {
    const ended = whenEnded(child, command);
    options.onStart?.({ signal: (name) => signalGroup(child, name) });
    const { code, signal } = await ended;
    return judge(command, options, { code, signal, stopped, stdout: output.join(""), stderr: stderr() });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    child.stdin?.destroy();
  }
}

type Outcome = Ended & { stopped: "TIMEOUT" | "CANCELLED" | "OUTPUT" | undefined; stdout: string; stderr: string };

function judge(command: string, options: RunOptions, outcome: Outcome): RunResult {
  const { code, signal, stopped, stdout, stderr } = outcome;
  if (stopped === "CANCELLED") throw new HoldfastError("CANCELLED", { message: `${command}: cancelled` });
  if (stopped === "TIMEOUT") {
    const message = `${command} did not end within ${Math.round(options.timeoutMs / 1000)} s`;
    throw new HoldfastError("TIMEOUT", { message, details: stderr });
  }
  if (stopped === "OUTPUT") throw new HoldfastError("TOOL_FAILED", { message: `${command} printed without end` });
  if (code !== null && (options.okCodes ?? [0]).includes(code)) return { code, stdout, stderr };
  if (code === 127 && onPosix && /not found/.test(stderr)) {
    const remedy = `Install the package that brings ${command}.`;
    throw new HoldfastError("TOOL_MISSING", { message: `${command} is not installed`, remedy, details: stderr });
  }
  const spaceless = /no space left on device|disk quota exceeded/i.test(stderr);
  const how = code === null ? `was ended by ${signal}` : `failed (exit code ${code})`;
  const message = spaceless ? `${command}: no space left` : `${command} ${how}`;
  throw new HoldfastError(spaceless ? "NO_SPACE" : "TOOL_FAILED", { message, details: stderr });
}

export type Daemon = {
  pid: number;
  /** Resolves when it has ended, for whatever reason. */
  ended: Promise<Ended & { stderr: string }>;
  /** SIGTERM, then SIGKILL; resolves when it is gone. */
  stop: () => Promise<void>;
};

export type DaemonOptions = StartOptions & {
  /** Called with each piece of standard output, which is thrown away otherwise, and of standard error. */
  onOutput?: (text: string) => void;
};

/** Starts a command that runs until it is stopped, or until the agent ends. Throws TOOL_MISSING. */
export async function startDaemon(command: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const child = startChild(command, args, options);
  const stderr = keepTail(child.stderr);
  if (options.onOutput !== undefined) {
    child.stderr?.on("data", options.onOutput);
    child.stdout?.setEncoding("utf8").on("data", options.onOutput);
  }
  child.stdout?.resume();
  const gone = whenEnded(child, command);
  const ended = gone.then((end) => ({ ...end, stderr: stderr() }));
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    gone.catch(reject);
  });
  const stop = async (): Promise<void> => {
    signalGroup(child, "SIGTERM");
    const timer = setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER_TERM_MS);
    await ended.finally(() => clearTimeout(timer));
    child.stdin?.destroy();
  };
  return { pid: child.pid ?? 0, ended, stop };
}
