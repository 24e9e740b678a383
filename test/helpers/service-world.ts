/** A real controller in this process, and a host whose `holdfast-agent` runs as its users start it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { type Json, type Reply, send } from "../../controller/src/http/test-client.ts";
import { type Ready, serve } from "../../controller/src/main.ts";
import { createLogger } from "../../controller/src/serve/log.ts";

const CLI = resolve(import.meta.dirname, "../../agent/src/cli.ts");
const PATIENCE_MS = 60_000;

export type Line = Json & { msg: string; level: string };
export type ServiceProcess = {
  child: ChildProcess;
  log: Line[];
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

export type ServiceWorld = Awaited<ReturnType<typeof makeServiceWorld>>;

export async function makeServiceWorld() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-service-"));
  const dataDir = join(folder, "controller");
  let controller = await startController(dataDir);
  const { port, agentPort, admin } = controller;
  const config = join(folder, "agent.json");
  const hostFolder = join(folder, "host");
  await mkdir(hostFolder);
  const services: ServiceProcess[] = [];
  const call = (method: string, path: string, body?: unknown): Promise<Reply> => {
    return send({ port, ca: controller.ca, method, path, admin, how: body === undefined ? {} : { body } });
  };
  const cli = (...args: string[]) => runCli(config, args);
  const get = async (path: string): Promise<Json> => {
    const { status, body, text } = await call("GET", path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return body;
  };
  return {
    ...{ folder, hostFolder, config_file: config, call, get, cli, services },
    url: `https://127.0.0.1:${port}`,
    dataDir,
    stopController: () => controller.stop(),
    /** On the same ports, with what stands in its folder now. */
    startController: async (): Promise<void> => {
      controller = await startController(dataDir, { port, agentPort });
    },
    configure: (value: object) => writeFile(config, JSON.stringify({ state_dir: join(hostFolder, "state"), ...value })),
    token: async () => String((await call("POST", "/api/v1/enrolment-tokens", {})).body["token"]),
    start: (env: NodeJS.ProcessEnv = {}, nodeArgs: string[] = []): ServiceProcess => {
      const started = startService(config, env, nodeArgs);
      services.push(started);
      return started;
    },
    /** Asks the API again until `found` answers something. */
    until: async <T>(path: string, found: (body: Json) => T | undefined): Promise<T> => {
      let last: Json = {};
      for (const late = performance.now() + PATIENCE_MS; performance.now() < late; ) {
        const { status, body } = await call("GET", path);
        last = body;
        const value = status === 200 ? found(body) : undefined;
        if (value !== undefined) return value;
        await new Promise((wake) => setTimeout(wake, 50));
      }
      const logs = services.flatMap(({ log }) => log.map((line) => JSON.stringify(line)));
      throw new Error(`${path} stays ${JSON.stringify(last).slice(0, 3000)}\n${logs.join("\n")}`);
    },
    remove: async (): Promise<void> => {
      for (const { child } of services) child.kill("SIGKILL");
      await Promise.all(services.map(({ ended }) => ended));
      await controller.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startController(folder: string, ports = { port: 0, agentPort: 0 }) {
  const stop = new AbortController();
  const ready = Promise.withResolvers<Ready>();
  const settings = {
    ...{ data_dir: folder, database: null, listen: "127.0.0.1", names: ["127.0.0.1"] },
    ...{ https_port: ports.port, agent_port: ports.agentPort },
    ...{ certificate: null, log_level: "info" as const },
    history: { eventsDays: 90, executionsDays: 730, auditDays: 730, evidenceDays: 3650 },
    second_person: [],
    outbound_allow: [],
  };
  const log = createLogger("silent", { write: () => undefined });
  const ended = serve(settings, { log, signal: stop.signal, allowMigrate: false, onReady: ready.resolve });
  ended.catch(ready.reject);
  const { httpsPort: port, agentPort, adminToken } = await ready.promise;
  const { rootPem: ca } = await openAuthority(join(folder, "pki"), new Date());
  return {
    ...{ port, agentPort, ca, admin: adminToken?.text ?? "" },
    stop: async (): Promise<void> => {
      stop.abort();
      await ended;
    },
  };
}

function startService(config: string, env: NodeJS.ProcessEnv, nodeArgs: string[]): ServiceProcess {
  const child = spawn(process.execPath, [...nodeArgs, CLI, "--config", config, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const log: Line[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) log.push(JSON.parse(line) as Line);
  });
  const ended: ServiceProcess["ended"] = new Promise((done) => {
    child.once("exit", (code, signal) => done({ code, signal }));
  });
  return { child, log, ended };
}

async function runCli(config: string, args: string[]): Promise<{ code: number | null; document: Json }> {
  const child = spawn(process.execPath, [CLI, "--config", config, ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, document: text === "" ? {} : (JSON.parse(text) as Json) };
}
