/** Has the agent do one thing, once, whatever is killed meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError } from "../../errors.ts";
import { backupAnswer, type CommandAnswer, commandAnswer, type ExecutionAnswer, executionsAnswer } from "./answers.ts";
import { bodyOf } from "./api.ts";
import type { DemoContext } from "./context.ts";
import { whenConnected } from "./define.ts";

export type Order<Found> = {
  /** Unlike any other of this start. */
  name: string;
  path: string;
  body: object;
  /** What the controller knows of what is wanted; undefined: it is not done yet. */
  look: (command: CommandAnswer | null) => Promise<Found | undefined>;
};

/** `again`: why it was ordered more than once; empty: it was not. `wasThere`: before the first order. */
export type Done<Found> = { found: Found; again: string[]; wasThere: boolean; seconds: number | null };

const TRIES = 100;
const BUSY_LIMIT_MS = 600_000;
const LOOK_MS = 150;
const BUSY_MS = 500;
const CONNECTED_MS = 5_000;
/** Ends that say nothing about the work itself, and so are reasons to ask again. */
const PASSING: Readonly<Record<string, string>> = {
  INTERRUPTED: "the agent was killed in the middle",
  CANCELLED: "the agent was stopped in the middle",
  BUSY: "something of before still ran",
  SOURCE_LOCKED: "something of before still ran",
};

/** Errors as of the last try; TIMEOUT when the agent stays away. */
export async function order<Found>(context: DemoContext, wish: Order<Found>): Promise<Done<Found>> {
  const before = await wish.look(null);
  if (before !== undefined) return { found: before, again: [], wasThere: true, seconds: null };
  const again: string[] = [];
  const busyUntil = performance.now() + BUSY_LIMIT_MS;
  for (let tries = 1; ; tries++) {
    const commandId = await place(context, wish, tries);
    const ended = commandId === null ? null : await follow(context, commandId);
    const found = await wish.look(ended);
    if (found !== undefined) return { found, again, wasThere: false, seconds: await secondsOf(context, commandId) };
    const problem = problemOf(ended);
    const reason = PASSING[problem.code];
    const isAsked = ended?.cancel_requested_at !== null && ended !== null;
    const isEnough = tries >= TRIES || (problem.code === "BUSY" && performance.now() > busyUntil);
    if (reason === undefined || isAsked || isEnough) throw wishError(wish, problem);
    if (again.at(-1) !== reason || problem.code === "INTERRUPTED") {
      again.push(reason);
      context.say(`${wish.name}: ${reason} (${problem.code}); it is asked for again`);
    }
    if (problem.code === "INTERRUPTED") continue;
    await sleep(BUSY_MS, undefined, { signal: context.signal });
    // What was busy may have been the same, of an earlier start, and be done by now.
    const meanwhile = await wish.look(null);
    if (meanwhile !== undefined) return { found: meanwhile, again, wasThere: false, seconds: null };
  }
}

type Problem = { code: string; message: string; remedy: string | null };

function problemOf(ended: CommandAnswer | null): Problem {
  if (ended === null) return { code: "BUSY", message: "another one of this kind is under way", remedy: null };
  if (ended.error !== null) return ended.error;
  return { code: "INTERNAL", message: `the command is ${ended.state}, and nothing came of it`, remedy: null };
}

function wishError({ name }: Order<unknown>, { code, message, remedy }: Problem): HoldfastError {
  const known = remedy === null ? {} : { remedy };
  return new HoldfastError("CONFLICT", { message: `${name}: ${message}`, details: code, ...known });
}

const started = commandAnswer.pick({ command_id: true }).or(backupAnswer.pick({ command_id: true }));

/** The command's id; null: the controller has another one of this kind. The key makes a lost answer harmless. */
async function place(
  context: DemoContext,
  { name, path, body }: Order<unknown>,
  tries: number,
): Promise<string | null> {
  const idempotencyKey = `${context.startId}-${name.replaceAll(/[^a-z0-9]+/g, "-")}-${tries}`;
  const reply = await context.api.ask({ method: "POST", path, body, idempotencyKey }, started);
  if (!reply.ok && reply.code === "ALREADY_RUNNING") return null;
  return bodyOf(reply, name).command_id;
}

/** Waits for a command's end, and shows how far its run is. */
async function follow(context: DemoContext, commandId: string): Promise<CommandAnswer> {
  const { api, signal, progress, isTerminal } = context;
  let connectedAt = performance.now();
  for (;;) {
    const command = await api.read(`/api/v1/commands/${commandId}`, commandAnswer);
    if (command.finished_at !== null) return command;
    if (isTerminal) {
      const run = (await runsOf(context, commandId)).find(({ state }) => state === "running");
      if (run?.progress != null)
        progress.update(`${run.kind}: ${run.progress.phase}`, run.progress.done, run.progress.total);
    }
    if (performance.now() - connectedAt > CONNECTED_MS) {
      await whenConnected(context);
      connectedAt = performance.now();
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

async function runsOf({ api }: DemoContext, commandId: string): Promise<ExecutionAnswer[]> {
  return (await api.read(`/api/v1/executions?command_id=${commandId}`, executionsAnswer)).executions;
}

/** How long the run that was completed took, by the agent's clock. */
async function secondsOf(context: DemoContext, commandId: string | null): Promise<number | null> {
  if (commandId === null) return null;
  const run = (await runsOf(context, commandId)).find(({ state }) => state === "completed");
  if (run === undefined || run.ended_at === null) return null;
  return (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000;
}
