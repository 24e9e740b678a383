/** The controller as its users start it: `holdfast serve`, on a data folder that survives it. */
import { createServer } from "node:net";
import { join } from "node:path";
import { openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { openSigningKey } from "../../controller/src/services/access/signing-key.ts";
import { tokenIssuer } from "../../controller/src/services/access/tokens.ts";
import { type FleetApi, fleetApi } from "./fleet-api.ts";
import type { FleetKill } from "./fleet-plan.ts";
import { type FleetProcess, pause, startProcess } from "./fleet-process.ts";
import type { Random } from "./kill-random.ts";

export type ControllerPlace = {
  dataDir: string;
  /** `postgres://…`; null: SQLite in the data folder. */
  database: string | null;
  httpsPort: number;
  agentPort: number;
};

export type ControllerLine = Record<string, unknown> & { msg: string };
export type FleetController = {
  process: FleetProcess;
  /** Its log, the newest 5000 lines. */
  log: ControllerLine[];
  /** The reasons that its log gives for what it refused or ended. */
  reasons: () => string[];
  /** False when it was killed or ended before both ports were open. */
  ready: Promise<boolean>;
  /** Resolves with the step at which it killed itself; undefined when it ended otherwise. */
  struck: Promise<string | undefined>;
  /** SIGTERM, and that it ended well. */
  stop: () => Promise<void>;
};

const KEPT_LINES = 5000;
const STOP_MS = 15_000;

export function startController(place: ControllerPlace, kill: FleetKill | null = null): FleetController {
  const { dataDir, database, httpsPort, agentPort } = place;
  const ports = ["--https-port", `${httpsPort}`, "--agent-port", `${agentPort}`];
  const where = ["--listen", "127.0.0.1", "--name", "127.0.0.1", "--data-dir", dataDir];
  const base = database === null ? [] : ["--database", database];
  const child = startProcess("controller/bin/holdfast.mjs", ["serve", "--json", ...where, ...ports, ...base], kill);
  const log: ControllerLine[] = [];
  const ready = Promise.withResolvers<boolean>();
  let step: string | undefined;
  child.onLine((line) => {
    if (line["event"] === "killing") step = String(line["step"]);
    else log.push({ ...line, msg: String(line["msg"]) });
    if (log.length > KEPT_LINES) log.shift();
    if (line["msg"] === "the controller is ready") ready.resolve(true);
  });
  const gone = child.ended.then(({ code, signal, said }) => {
    ready.resolve(false);
    if (signal !== "SIGKILL" && code !== 0) throw new Error(`the controller ended with ${code ?? signal}: ${said}`);
    return step;
  });
  // Whoever waits for it hears of it.
  gone.catch(() => undefined);
  return {
    ...{ process: child, log, ready: ready.promise, struck: gone },
    reasons: () => log.map(({ reason }) => String(reason)),
    stop: async () => {
      child.kill("SIGTERM");
      const late = pause(STOP_MS).then(() => "late" as const);
      if ((await Promise.race([gone, late])) !== "late") return;
      child.kill("SIGKILL");
      throw new Error("the controller did not stop");
    },
  };
}

/** Starts it and waits until both ports are open. */
export async function openController(place: ControllerPlace): Promise<FleetController> {
  const controller = startController(place);
  if (await controller.ready) return controller;
  await controller.struck;
  throw new Error("the controller ended before it was ready");
}

/** The API of a controller that was started at least once, asked by an admin. */
export async function apiOf({ dataDir, httpsPort }: ControllerPlace): Promise<FleetApi> {
  const { privateKey, isNew } = await openSigningKey(join(dataDir, "keys"));
  if (isNew) throw new Error("no controller was ever started here");
  const { rootPem } = await openAuthority(join(dataDir, "pki"), new Date());
  const issuer = tokenIssuer(privateKey, () => new Date());
  const expiresAt = new Date(Date.now() + 3_600_000);
  const token = await issuer.issue({ subject: "admin", scopes: ["admin"], expiresAt });
  return fleetApi({ port: httpsPort, root: rootPem, token });
}

/** Below the ports that the system gives to connections: one that is down for a while is not taken by somebody else. */
export async function freePorts(random: Random): Promise<Pick<ControllerPlace, "httpsPort" | "agentPort">> {
  const [httpsPort, agentPort] = [await freePort(random), await freePort(random)];
  return httpsPort === agentPort ? await freePorts(random) : { httpsPort, agentPort };
}

async function freePort(random: Random): Promise<number> {
  for (;;) {
    // Not by the seed alone: two runs of one seed may go on at once.
    const port = 15_000 + ((random.below(15_000) + process.pid) % 15_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((closed) => probe.close(closed));
    if (isFree) return port;
  }
}
