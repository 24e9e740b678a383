/**
 * Preload (`node --import`) that counts the steps of the agent which other processes or a power cut could see, and
 * kills at one of them. It reads HOLDFAST_KILL_PLAN; each step's name says what is done to which file, and how often before.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { env, pid } from "node:process";
import { isMainThread } from "node:worker_threads";
import { stepName, toolsBelow } from "../helpers/kill-steps.ts";

type Call = (...args: unknown[]) => unknown;
type Plan = {
  /** Its name, or `#n` for the n-th of all; null: none. */
  step: string | null;
  when: "before" | "half" | "after";
  victim: "agent" | "tool";
  delayMs: number;
  /** Ids that the repository knew before, oldest first. */
  known: string[];
};

const plan = JSON.parse(env["HOLDFAST_KILL_PLAN"] ?? "null") as Plan | null;
const seen = new Map<string, number>();
const steps: string[] = [];
const guards: number[] = [];
const paths = new WeakMap<object, string>();

function tell(event: object): void {
  fs.writeSync(1, `${JSON.stringify(event)}\n`);
}

function killTool(step: string): void {
  const killed = toolsBelow(guards).filter(killIfThere);
  // Just started, its guard has not forked it yet; or it is gone, and then there is nothing to kill any more.
  if (killed.length === 0) return void setTimeout(killTool, 1, step).unref();
  tell({ event: "killing", step, victim: "tool" });
}

/** A tool may end by itself while it is looked for. */
function killIfThere(victim: number): boolean {
  try {
    return process.kill(victim, "SIGKILL");
  } catch {
    return false;
  }
}

function strike(step: string): void {
  if (plan?.victim === "tool") {
    if (plan.delayMs === 0) killTool(step);
    else setTimeout(killTool, plan.delayMs, step).unref();
    return;
  }
  tell({ event: "killing", step, victim: "agent" });
  process.kill(pid, "SIGKILL");
}

type Reached = { isDueFor: (when: Plan["when"]) => boolean; killIfDue: (when: Plan["when"]) => void };

/** Counts a step, and knows whether the plan means it. */
function reach(what: string): Reached {
  const name = stepName(what, plan?.known ?? []);
  const nth = (seen.get(name) ?? 0) + 1;
  seen.set(name, nth);
  const step = `${name} #${nth}`;
  steps.push(step);
  const isMeant = plan?.step === step || plan?.step === `#${steps.length}`;
  const isDueFor = (when: Plan["when"]): boolean => isMeant && plan.when === when;
  const killIfDue = (when: Plan["when"]): void => {
    if (isDueFor(when)) strike(step);
  };
  return { isDueFor, killIfDue };
}

function patch(target: object, method: string, describe: (self: unknown, args: unknown[]) => string | undefined): void {
  const methods = target as Record<string, Call>;
  const original = methods[method];
  if (original === undefined) throw new Error(`Node has no ${method}`);
  methods[method] = function patched(this: unknown, ...args: unknown[]): unknown {
    const what = describe(this, args);
    if (what === undefined) return original.apply(this, args);
    const step = reach(what);
    step.killIfDue("before");
    const half = step.isDueFor("half") ? halfOf(method, args) : undefined;
    const result = original.apply(this, half ?? args);
    const then = half === undefined ? "after" : "half";
    if (!(result instanceof Promise)) {
      step.killIfDue(then);
      return result;
    }
    return result.then((value: unknown) => {
      step.killIfDue(then);
      return value;
    });
  };
}

/** The arguments that write the first half only; undefined for what cannot be cut in two. */
function halfOf(method: string, args: unknown[]): unknown[] | undefined {
  const at = method === "writeFileSync" ? 1 : 0;
  const content = args[at];
  if (!/^writeFile/.test(method) || !(typeof content === "string" || content instanceof Uint8Array)) return undefined;
  return args.with(at, content.slice(0, content.length / 2));
}

const pathIn = (at: number) => (_: unknown, args: unknown[]) => String(args[at]);

function isForWriting(flags: unknown): boolean {
  if (typeof flags === "number") return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
  return typeof flags === "string" && /[wa+]/.test(flags);
}

function monitorCommand(chunk: unknown): string | undefined {
  const command = /^\{"execute":"([a-z_x-]+)"/.exec(String(chunk).slice(0, 100))?.[1];
  return command === undefined || command.startsWith("query-") ? undefined : `qmp ${command}`;
}

/** The program that a guard starts, with its first argument. */
function startedProgram([file, list]: unknown[]): string {
  const args = (list as string[]).map(String);
  const at = args.findIndex((arg) => arg.startsWith("qemu-"));
  return at < 0 ? String(file) : args.slice(at, at + 2).join(" ");
}

async function watchFiles(): Promise<void> {
  const { open } = fs.promises;
  const handle = await open(import.meta.filename);
  const handles: object = Object.getPrototypeOf(handle);
  await handle.close();
  const plainOpen = open as Call;
  (fs.promises as unknown as Record<string, Call>)["open"] = async (...args) => {
    const opened = (await plainOpen(...args)) as object;
    paths.set(opened, String(args[0]));
    return opened;
  };
  patch(fs.promises, "open", (_, args) => (isForWriting(args[1]) ? `open ${args[0]}` : undefined));
  for (const method of ["rm", "unlink", "mkdir"]) patch(fs.promises, method, (_, args) => `${method} ${args[0]}`);
  patch(fs.promises, "mkdtemp", (_, args) => `mkdtemp ${args[0]}`);
  patch(fs.promises, "rename", (_, args) => `rename ${pathIn(1)(_, args)}`);
  for (const method of ["sync", "datasync", "writeFile", "truncate"])
    patch(handles, method, (self) => `${method} ${paths.get(self as object)}`);
  for (const method of ["writeFileSync", "rmSync"]) patch(fs, method, (_, args) => `${method} ${args[0]}`);
}

if (isMainThread && plan !== null) {
  await watchFiles();
  patch(childProcess, "spawn", (_, args) => `spawn ${startedProgram(args)}`);
  patch(net.Socket.prototype, "write", (_, args) => monitorCommand(args[0]));
  const { spawn } = childProcess;
  childProcess.spawn = ((...args: Parameters<typeof spawn>) => {
    const child = spawn(...args);
    if (child.pid !== undefined) guards.push(child.pid);
    return child;
  }) as typeof spawn;
  syncBuiltinESMExports();
  process.on("exit", () => tell({ event: "steps", steps }));
}
