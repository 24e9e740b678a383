/** Runs a worker process under a kill plan and tells what came of it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { AGENT, agentArguments, eventsOfAnswer } from "./kill-agent.ts";
import type { Order, WorkerEvent } from "./kill-orders.ts";
import { isQemu, markedProcesses } from "./kill-steps.ts";
import type { World } from "./kill-world.ts";

const chaos = resolve(import.meta.dirname, "../chaos");
const END_MS = 30_000;
const ORPHANS_MS = 1_000;

/** `at`: a step of the worker, or a time in ms after it was ready. */
export type KillPlan = {
  victim: "agent" | "tool";
  at: { step: string; when: "before" | "half" | "after"; delayMs: number } | { ms: number };
};

export type Ended = {
  events: WorkerEvent[];
  /** The agent or the tool was killed by us. */
  killed: boolean;
  /** It did not end by itself in time. */
  hung: boolean;
  signal: NodeJS.Signals | null;
  code: number | null;
  stderr: string;
  /** From ready to the end, in ms. */
  ms: number;
  /** Command lines of processes that outlived the agent by a second. */
  orphans: number[];
};

type Child = ReturnType<typeof startWorker>;

/** The worker tells more and can be told to use a key; the agent is what people run. */
export type Program = "worker" | "agent";

function startWorker(program: Program, world: World, order: Order, plan: KillPlan | null, mark: string) {
  const at = plan !== null && "step" in plan.at ? plan.at : null;
  const preload = { step: at?.step ?? null, when: at?.when ?? "before", delayMs: at?.delayMs ?? 0 };
  const command =
    program === "agent"
      ? [AGENT, ...agentArguments(world.folder, order)]
      : [join(chaos, "worker.ts"), JSON.stringify(order), world.folder];
  return spawn(process.execPath, ["--import", join(chaos, "kill-at.ts"), ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      TMPDIR: join(world.folder, "tmp"),
      HOLDFAST_KILL_MARK: mark,
      HOLDFAST_KILL_PLAN: JSON.stringify({ ...preload, victim: plan?.victim ?? "agent", known: world.made }),
    },
  });
}

/** Runs one order to its end, or to its death. */
export async function runWorker(program: Program, world: World, order: Order, plan: KillPlan | null): Promise<Ended> {
  const mark = randomUUID();
  const child = startWorker(program, world, order, plan, mark);
  const events: WorkerEvent[] = [];
  let started = performance.now();
  let struck = false;
  let over = false;
  const onReady = (): void => {
    started = performance.now();
    if (plan === null || !("ms" in plan.at)) return;
    setTimeout(() => {
      if (plan.victim === "agent") struck = !over && child.kill("SIGKILL");
      else
        void killSomeTool(mark, () => over).then((did) => {
          struck = did;
        });
    }, plan.at.ms).unref();
  };
  let answer = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith('{"event":')) {
      answer += `${line}\n`;
      return;
    }
    const event = JSON.parse(line) as WorkerEvent;
    events.push(event);
    if (event.event === "ready") onReady();
    if (event.event === "killing") struck = true;
  });
  if (program === "agent") onReady();
  let hung = false;
  const late = setTimeout(() => {
    hung = child.kill("SIGKILL");
  }, END_MS);
  const { code, signal, stderr } = await endOf(child);
  over = true;
  if (signal === null) events.push(...eventsOfAnswer(answer));
  clearTimeout(late);
  const ms = performance.now() - started;
  return { events, killed: struck, hung, code, signal, stderr, ms, orphans: await findOrphans(mark) };
}

async function endOf(child: Child): Promise<Pick<Ended, "code" | "signal" | "stderr">> {
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = `${stderr}${text}`.slice(-4000);
  });
  return await new Promise((done, refuse) => {
    child.once("error", refuse);
    child.once("exit", (code, signal) => {
      // Orphans may hold the pipes open; what the worker wrote is in them already.
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, ORPHANS_MS).unref();
      child.once("close", () => done({ code, signal, stderr }));
    });
  });
}

async function killSomeTool(mark: string, over: () => boolean): Promise<boolean> {
  while (!over()) {
    const tool = markedProcesses(mark).find(isQemu);
    if (tool !== undefined) {
      try {
        return process.kill(tool, "SIGKILL");
      } catch {
        // It ended by itself meanwhile: the next one, then.
      }
    }
    await new Promise((wake) => setTimeout(wake, 1));
  }
  return false;
}

async function findOrphans(mark: string): Promise<number[]> {
  const until = performance.now() + ORPHANS_MS;
  for (;;) {
    const left = markedProcesses(mark);
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((wake) => setTimeout(wake, 10));
  }
}
