/** A host's own service and its controller, each as its users start it; what is measured of the service from outside. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeControllerWorld } from "../../helpers/controller-world.ts";
import { apiOf } from "../../helpers/fleet-controller.ts";
import { runProgram, startProgram } from "../../helpers/holdfast.ts";

const PATIENCE_MS = 900_000;
const LOOK_MS = 25;
const TICKS_A_SECOND = 100;

/** One run as the log has it. */
export type LoggedRun = { task: string; endedAt: string };
export type ServiceUnderTest = AsyncDisposable & {
  /** Resolves once the controller's API shows this run as its task's newest. */
  shown: (run: LoggedRun) => Promise<void>;
  /** What the service has used of the processor so far, in seconds. */
  cpuSeconds: () => number;
  /** The most memory that the service's process has had so far, in bytes, as the kernel counts it. */
  peakBytes: () => number;
};

/** Enrols a host that reads this log, and starts its service. */
export async function startReading(log: string, folder: string): Promise<ServiceUnderTest> {
  const world = await makeControllerWorld();
  const { httpsPort, url } = await world.start({ args: ["--name", "127.0.0.1"] });
  const api = await apiOf({ dataDir: world.data, database: null, httpsPort, agentPort: 0 });
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "agent.json");
  writeFileSync(config, JSON.stringify({ state_dir: join(folder, "state"), aomei: { result_logs: [{ path: log }] } }));
  const { body } = await api.call("POST", "/api/v1/enrolment-tokens", {});
  const enrol = ["--config", config, "enroll", "--controller", url, "--token", String(body["token"])];
  const { code, stderr } = await runProgram("holdfast-agent", enrol);
  if (code !== 0) throw new Error(`the host could not be enrolled: ${stderr}`);
  const service = world.keep(startProgram("holdfast-agent", ["--config", config, "serve"]));
  const pid = service.child.pid ?? 0;
  const get = async (path: string): Promise<Record<string, unknown>> => (await api.call("GET", path)).body;
  const jobs = new Map<string, string>();
  const jobOf = async (task: string): Promise<string | undefined> => {
    if (!jobs.has(task))
      for (const { id, job_name } of ((await get("/api/v1/aomei/jobs?limit=200"))["data"] ?? []) as Job[])
        jobs.set(job_name, String(id));
    return jobs.get(task);
  };
  return {
    shown: async ({ task, endedAt }) => {
      for (const late = performance.now() + PATIENCE_MS; performance.now() < late; await sleep(LOOK_MS)) {
        const job = await jobOf(task);
        const detail = job === undefined ? undefined : (await get(`/api/v1/aomei/jobs/${job}`))["data"];
        if ((detail as Detail | undefined)?.latest_execution?.date === endedAt) return;
        if (service.child.exitCode !== null) break;
      }
      throw new Error(`the controller does not show the run of ${task} at ${endedAt}: ${service.stderr()}`);
    },
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    },
    peakBytes: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

type Job = { id: number; job_name: string };
type Detail = { latest_execution: { date: string } | null };
