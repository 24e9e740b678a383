/** Controllers as processes, on folders that are thrown away. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Environment, type Json, type Ran, runProgram, type Service, startProgram } from "./holdfast.ts";

/** One that is ready. */
export type Controller = Service & { url: string; agentUrl: string; httpsPort: number; agentPort: number };
export type StartOptions = { args?: readonly string[]; env?: Environment; data?: string };
export type ControllerWorld = AsyncDisposable & {
  folder: string;
  /** The usual data folder; not made yet. */
  data: string;
  start: (how?: StartOptions) => Promise<Controller>;
  /** Anything else that is to be ended with the world. */
  keep: (service: Service) => Service;
  /** Runs `holdfast … --json` against a controller, as who may read the usual data folder. */
  json: (controller: Controller, args: readonly string[], env?: Environment) => Promise<Ran & { document: Json }>;
  /** The same without `--json`. */
  text: (controller: Controller, args: readonly string[], env?: Environment) => Promise<Ran>;
};

const ANY_PORTS = ["--listen", "127.0.0.1", "--https-port", "0", "--agent-port", "0"];

export async function makeControllerWorld(): Promise<ControllerWorld> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-controller-"));
  const data = join(folder, "data");
  const services: Service[] = [];
  const keep = (service: Service): Service => {
    services.push(service);
    return service;
  };
  const text: ControllerWorld["text"] = ({ url }, args, env = {}) =>
    runProgram("holdfast", args, { HOLDFAST_URL: url, HOLDFAST_DATA_DIR: data, ...env });
  return {
    ...{ folder, data, keep, text },
    start: async ({ args = [], env = {}, data: at = data } = {}) => {
      const given = ["serve", "--data-dir", at, "--name", "localhost", ...ANY_PORTS, ...args];
      const service = keep(startProgram("holdfast", given, env));
      const ready = await service.said("the controller is ready");
      const [httpsPort, agentPort] = [Number(ready["https_port"]), Number(ready["agent_port"])];
      return { ...service, url: String(ready["url"]), agentUrl: String(ready["agent_url"]), httpsPort, agentPort };
    },
    json: async (controller, args, env) => {
      const ran = await text(controller, [...args, "--json"], env);
      return { ...ran, document: JSON.parse(ran.stdout === "" ? "{}" : ran.stdout) as Json };
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of services) child.kill("SIGKILL");
      await Promise.all(services.map(({ ended }) => ended));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a controller that cannot start, and answers how it ended and the error's document. */
export async function startRefused(args: readonly string[], env: Environment = {}): Promise<Ran & { document: Json }> {
  const ran = await runProgram("holdfast", ["serve", ...ANY_PORTS, ...args, "--json"], env);
  return { ...ran, document: JSON.parse(ran.stdout.slice(ran.stdout.indexOf("{\n"))) as Json };
}

/** The access token in what was told at the first start. */
export function tokenIn(text: string): string | undefined {
  return /^eyJ\S+$/m.exec(text)?.[0];
}
