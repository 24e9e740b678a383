/** Carries out what the controller commands: each command once, with one end, whatever is killed meanwhile. */
import type { Command, CommandChanged } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import type { RunContext } from "../../runner/context.ts";
import { withItem } from "../../runner/item-lock.ts";
import { readRun } from "../../runner/ledger.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import { rulesOf, type ServiceHost } from "../service-host.ts";
import type { Work } from "../work.ts";
import { endOfError, endOfInterrupted, expired, isOneRun, REMOVAL_NOT_BEGUN } from "./ends.ts";
import { carryOut } from "./handlers.ts";
import type { Task } from "./task.ts";
import type { Turns } from "./turns.ts";

const MAX_TIMER_MS = 2 ** 31 - 1;

export type Executor = Work & {
  /** Begins with a command that is durably noted. */
  take(command: Command): void;
  cancel(commandId: string): void;
  /** At the start: what had not begun begins, what was half done ends as interrupted. */
  resume(): Promise<void>;
};

/** Thrown at a command that has not begun: it ends as expired, or is left for the next start. */
class NotBegun extends Error {}

type Underway = { abort: AbortController; begun: boolean; done: Promise<void> };

export function createExecutor(host: ServiceHost, turns: Turns): Executor {
  const underway = new Map<string, Underway>();
  let draining = false;
  const take = (command: Command): void => {
    const { command_id } = command;
    if (draining || underway.has(command_id)) return;
    const one: Underway = { abort: new AbortController(), begun: false, done: Promise.resolve() };
    underway.set(command_id, one);
    one.done = carryOutOne(host, turns, command, one).finally(() => underway.delete(command_id));
  };
  const cancelled = (): HoldfastError => new HoldfastError("CANCELLED", { message: "cancelled" });
  return {
    take,
    cancel: (commandId) => underway.get(commandId)?.abort.abort(cancelled()),
    resume: async () => {
      for (const { command, state, lastChange } of host.spool.commands.unfinished())
        if (state === "accepted" && command.kind !== "backup.delete") take(command);
        else await endInterrupted(host, command, lastChange);
    },
    drain: () => {
      draining = true;
      for (const { begun, abort } of underway.values()) if (!begun) abort.abort(new NotBegun("the agent stops"));
    },
    cancelAll: () => {
      for (const { abort } of underway.values()) abort.abort(cancelled());
    },
    idle: async () => {
      await Promise.all([...underway.values()].map(({ done }) => done));
    },
  };
}

async function carryOutOne(host: ServiceHost, turns: Turns, command: Command, one: Underway): Promise<void> {
  const { command_id, kind, deadline } = command;
  const runIds: string[] = [];
  const change = (to: Pick<CommandChanged, "state" | "result" | "error">): void => {
    host.spool.commands.change({ command_id, run_ids: runIds.slice(-20), at: host.now().toISOString(), ...to });
  };
  const running = (): void => change({ state: "running", result: null, error: null });
  const task = makeTask(host, turns, command, one, { runIds, running });
  const late = Math.max(0, Date.parse(deadline) - host.now().getTime());
  const expire = (): void => {
    if (!one.begun) one.abort.abort(new NotBegun("expired"));
  };
  const timer = late > MAX_TIMER_MS ? undefined : setTimeout(expire, late);
  try {
    const result = await carryOut(command, task);
    change({ state: "done", result, error: null });
    host.log("info", `the command ${kind} is done: ${result.summary}`, { command_id });
  } catch (error) {
    if (error instanceof NotBegun && host.now().getTime() < Date.parse(deadline)) return;
    const end = error instanceof NotBegun ? expired(deadline) : endOfError(asHoldfastError(error, kind));
    host.log("warn", `the command ${kind} ended as ${end.state}: ${end.error?.message}`, { command_id });
    change(end);
  } finally {
    clearTimeout(timer);
    for (const id of runIds) host.running.delete(id);
  }
}

function makeTask(
  host: ServiceHost,
  turns: Turns,
  command: Command,
  one: Underway,
  said: { runIds: string[]; running: () => void },
): Task {
  const { signal } = one.abort;
  const mayBegin = (): void => {
    signal.throwIfAborted();
    if (!one.begun && host.now().getTime() >= Date.parse(command.deadline)) throw new NotBegun("expired");
    one.begun = true;
  };
  const begin = (): void => {
    mayBegin();
    said.running();
  };
  const onRun = async (record: RunRecord): Promise<void> => {
    if (record.state !== "running") {
      host.running.delete(record.run_id);
      return;
    }
    host.running.add(record.run_id);
    said.runIds.push(record.run_id);
    said.running();
  };
  return {
    ...{ host, command, signal, begin },
    onItem: async (vmContextId, purpose, work) => {
      using _turn = await turns.take(vmContextId, signal);
      // It is said to run with its first run, so that this is told as well.
      mayBegin();
      return await withItem(contextOf(host, command, signal, onRun), vmContextId, purpose, work);
    },
  };
}

function contextOf(
  host: ServiceHost,
  { command_id, author, reason }: Command,
  signal: AbortSignal,
  onRun: NonNullable<RunContext["onRun"]>,
): RunContext {
  const { ledger, now, warn, onProgress, teller } = host;
  const why = reason === "" ? `asked for by ${author}` : reason;
  return {
    ...{ rules: rulesOf(host), ledger, signal, now, warn, onProgress, onRun },
    ...{ telling: teller, commandId: command_id, reason: why },
  };
}

async function endInterrupted(host: ServiceHost, command: Command, last: CommandChanged): Promise<void> {
  const { command_id, kind } = command;
  const runs = await Promise.all(last.run_ids.map((id) => readRun(host.ledger, id)));
  const end = last.state === "accepted" ? REMOVAL_NOT_BEGUN : endOfInterrupted(isOneRun(kind) ? runs : []);
  host.spool.commands.change({ command_id, run_ids: last.run_ids, at: host.now().toISOString(), ...end });
  host.log("warn", `the command ${kind} was interrupted by the agent's end: ${end.state}`, { command_id });
}
