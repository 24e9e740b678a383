/** `holdfast serve` as its users start it, with all that it does by itself; measured from outside, and killed. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Authority, openAuthority } from "../../../controller/src/adapters/pki/authority.ts";
import { startProgram } from "../../helpers/holdfast.ts";

/** `database`: `postgres://…`; null: SQLite in the data folder. `agentPort` 0: any. */
export type ControllerOrder = { data: string; database: string | null; agentPort: number };
export type Usage = {
  /** Of the processor, by all threads, so far. */
  cpuSeconds: number;
  rssBytes: number;
};
export type Controller = AsyncDisposable & {
  port: number;
  usage: () => Usage;
  /** Lets all of its threads run on the last core only, or on all of them again. */
  hold: (to: "one core" | "all cores") => void;
  /** SIGKILL. */
  kill: () => Promise<void>;
};

const TICKS_A_SECOND = 100;
const KIB = 1024;

/** The authority that a controller on this folder will find there. */
export function authorityIn(data: string): Promise<Authority> {
  return openAuthority(join(data, "pki"), new Date());
}

export async function startController({ data, database, agentPort }: ControllerOrder): Promise<Controller> {
  const where = ["--data-dir", data, "--listen", "127.0.0.1", "--name", "localhost"];
  const ports = ["--https-port", "0", "--agent-port", `${agentPort}`];
  const service = startProgram("holdfast", [
    "serve",
    ...where,
    ...ports,
    ...(database ? ["--database", database] : []),
  ]);
  const kill = async (): Promise<void> => void (await service.end("SIGKILL"));
  try {
    const { agent_port: port } = await service.said("the controller is ready");
    const pid = service.child.pid ?? 0;
    return {
      port: Number(port),
      usage: () => usageOf(pid),
      hold: (to) => hold(pid, to),
      kill,
      [Symbol.asyncDispose]: kill,
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

function hold(pid: number, to: "one core" | "all cores"): void {
  const last = availableParallelism() - 1;
  execFileSync("taskset", ["-acp", to === "one core" ? `${last}` : `0-${last}`, `${pid}`]);
}

function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
    rssBytes: Number(resident) * KIB,
  };
}
