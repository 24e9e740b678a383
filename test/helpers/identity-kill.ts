/** Runs work on identities in processes of their own, and kills them at chosen steps. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type IdentityWork =
  | { do: "authority"; folder: string }
  | { do: "enrol"; stateDir: string; controllerUrl: string; token: string }
  | { do: "renew"; stateDir: string }
  /** Serves until it is killed. `dieAt`: at the first enrolment; null: never. */
  | { do: "serve"; folder: string; dieAt: "in-transaction" | "after-commit" | "before-answer" | null };

export type KillPoint = { step: string; when: "before" | "half" | "after" };

const CHAOS = join(import.meta.dirname, "../chaos");

function start(work: IdentityWork, at: KillPoint | null) {
  const plan = { step: null, when: "before", ...at, victim: "agent", delayMs: 0, known: [] };
  const args = ["--import", join(CHAOS, "kill-at.ts"), join(CHAOS, "identity-worker.ts"), JSON.stringify(work)];
  const env = { ...process.env, HOLDFAST_KILL_PLAN: JSON.stringify(plan) };
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
}

export type WorkEnded = { killed: boolean; code: number | null; steps: string[]; stderr: string };

/** Does the work to its end, or to its death at `at`. `steps`: what could be seen from outside, in order, when it ended by itself. */
export async function runWork(work: IdentityWork, at: KillPoint | null = null): Promise<WorkEnded> {
  const child = start(work, at);
  const ended: WorkEnded = { killed: false, code: null, steps: [], stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    ended.stderr += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = JSON.parse(line) as { event: string; steps?: string[] };
    if (event.event === "steps") ended.steps = event.steps ?? [];
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) => {
    child.once("close", (...how) => done(how));
  });
  return { ...ended, code, killed: signal === "SIGKILL" };
}

export type Serving = { url: string; token: string; kill: () => Promise<void>; gone: Promise<void> };

/** Starts a controller in a process of its own. */
export async function serveIdentities(work: IdentityWork & { do: "serve" }): Promise<Serving> {
  const child = start(work, null);
  const gone = new Promise<void>((done) => child.once("close", () => done()));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const { url, token } = await new Promise<{ url: string; token: string }>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => resolve(JSON.parse(line) as Serving));
    void gone.then(() => reject(new Error(`the controller ended: ${stderr}`)));
  });
  return {
    url,
    token,
    gone,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Before each step, in the middle of each write, and after the last one. */
export function killPoints(steps: readonly string[]): KillPoint[] {
  return steps.flatMap((step, index): KillPoint[] => [
    { step, when: "before" },
    ...(step.startsWith("writeFile") ? [{ step, when: "half" } as const] : []),
    ...(index === steps.length - 1 ? [{ step, when: "after" } as const] : []),
  ]);
}
