/**
 * Preload (`node --import`) that names the steps of an agent or a controller which the other side, or a power cut, could
 * see, and kills at one of them: HOLDFAST_FLEET_KILL says which, e.g. the 3rd `COMMIT`, before or after it is done.
 */
import fs from "node:fs";
import http from "node:http";
import { createRequire, syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { DatabaseSync, StatementSync } from "node:sqlite";
import type { FleetKill } from "../../helpers/fleet-plan.ts";

type Call = (...args: unknown[]) => unknown;
type Describe = (self: unknown, args: unknown[]) => string | undefined;

const plan = JSON.parse(process.env["HOLDFAST_FLEET_KILL"] ?? "null") as FleetKill | null;
const paths = new WeakMap<object, string>();
let seen = 0;

function strike(step: string): void {
  fs.writeSync(1, `${JSON.stringify({ event: "killing", step })}\n`);
  process.kill(process.pid, "SIGKILL");
}

/** Whether this step is the one that is meant. */
function isDue(step: string): boolean {
  if (plan === null || plan.step !== step) return false;
  seen += 1;
  return seen === plan.nth;
}

function patch(target: object, method: string, describe: Describe): void {
  const methods = target as Record<string, Call>;
  const original = methods[method];
  if (original === undefined) throw new Error(`there is no ${method} to watch`);
  methods[method] = function patched(this: unknown, ...args: unknown[]): unknown {
    const step = describe(this, args);
    if (step === undefined || !isDue(step)) return original.apply(this, args);
    if (plan?.when === "before") strike(step);
    const result = original.apply(this, args);
    if (!(result instanceof Promise)) {
      // What was handed to a socket in this turn still leaves the process.
      if (plan?.when === "after") strike(step);
      else setImmediate(strike, step);
      return result;
    }
    return result.then((value: unknown) => {
      strike(step);
      return value;
    });
  };
}

/** `COMMIT`, `INSERT events`, …: enough to tell steps apart, and the same in every run. */
function statement(sql: unknown): string | undefined {
  const found = /^\s*(BEGIN|COMMIT|(?:insert|update|delete)\b[^"a-z]*(?:into|from)?\s*"?([a-z_]+))/i.exec(String(sql));
  const [, whole = "", table] = found ?? [];
  if (whole === "") return undefined;
  return table === undefined ? whole.toUpperCase() : `${whole.slice(0, 6).toUpperCase()} ${table}`;
}

function frame(data: unknown): string {
  return /^\{"type":"([a-z_]+)"/.exec(String(data).slice(0, 60))?.[1] ?? "frame";
}

function watchDatabases(): void {
  patch(DatabaseSync.prototype, "exec", (_, [sql]) => statement(sql));
  patch(StatementSync.prototype, "run", (self) => statement((self as StatementSync).sourceSQL));
  const load = createRequire(new URL("../../../controller/package.json", import.meta.url));
  const Database = load("better-sqlite3") as new (file: string) => { prepare(sql: string): { source: string } };
  patch(Database.prototype, "exec", (_, [sql]) => statement(sql));
  const prepared = Object.getPrototypeOf(new Database(":memory:").prepare("SELECT 1")) as object;
  for (const method of ["run", "all"])
    patch(prepared, method, (self) => statement((self as { source: string }).source));
  // PostgreSQL's words as they leave for the server.
  patch(net.Socket.prototype, "write", (_, [chunk]) => {
    if (!Buffer.isBuffer(chunk) || chunk.length > 100_000) return undefined;
    return statement(/(begin|commit|insert into "[a-z_]+"|update "[a-z_]+")/.exec(chunk.toString("latin1"))?.[0] ?? "");
  });
}

function watchLinks(): void {
  const load = createRequire(new URL("../../../agent/package.json", import.meta.url));
  const { WebSocket } = load("ws") as { WebSocket: { prototype: object } };
  patch(WebSocket.prototype, "send", (_, [data]) => `send ${frame(data)}`);
  patch(WebSocket.prototype, "emit", (_, [name, data]) => (name === "message" ? `hear ${frame(data)}` : undefined));
  patch(http.ServerResponse.prototype, "end", (self) => {
    const { method, url } = (self as http.ServerResponse).req;
    return `answer ${method} ${url?.replace(/\?.*/, "")}`;
  });
}

/** Only what is written on purpose: identities, keys, certificates, effects. */
async function watchFiles(): Promise<void> {
  const handle = await fs.promises.open(import.meta.filename);
  const handles: object = Object.getPrototypeOf(handle);
  await handle.close();
  const plainOpen = fs.promises.open as Call;
  (fs.promises as unknown as Record<string, Call>)["open"] = async (...args) => {
    const opened = (await plainOpen(...args)) as object;
    paths.set(opened, String(args[0]));
    return opened;
  };
  for (const method of ["rename", "link"]) patch(fs.promises, method, (_, args) => `place ${nameOf(args[1])}`);
  for (const method of ["rm", "unlink"]) patch(fs.promises, method, (_, args) => `remove ${nameOf(args[0])}`);
  for (const method of ["sync", "datasync", "writeFile"])
    patch(handles, method, (self) => `${method} ${nameOf(paths.get(self as object))}`);
}

function nameOf(path: unknown): string {
  return (
    String(path)
      .split("/")
      .at(-1)
      ?.replace(/\.?[0-9a-f-]{8,36}(\.partial)?$/, "$1") ?? ""
  );
}

if (plan !== null) {
  watchDatabases();
  watchLinks();
  await watchFiles();
  syncBuiltinESMExports();
}
