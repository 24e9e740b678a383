/** `holdfast serve` as its users start it, on a database that is filled already, and one client that asks it. */
import { Agent, request } from "node:https";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openAuthority } from "../../../controller/src/adapters/pki/authority.ts";
import { openSigningKey } from "../../../controller/src/services/access/signing-key.ts";
import { tokenIssuer } from "../../../controller/src/services/access/tokens.ts";
import { startProgram } from "../../helpers/holdfast.ts";

export type ApiServer = AsyncDisposable & {
  /** A new name to ask as: each may ask so often only. */
  asSomebody: (name: string) => Promise<Asker>;
  /** Asks for a sign of life again and again, beside all others; `end` answers the longest wait for one in seconds. */
  watch: () => { end: () => Promise<number> };
};

/** Asks and answers the seconds until the whole answer was there. Throws unless it is 200. */
export type Asker = (path: string) => Promise<number>;

const HOUR_MS = 3_600_000;
const WATCH_EVERY_MS = 10;

/** `url`: of a PostgreSQL database; null: SQLite in the data folder. */
export async function startServer(data: string, url: string | null): Promise<ApiServer> {
  const where = ["--data-dir", data, "--listen", "127.0.0.1", "--name", "localhost"];
  const database = url === null ? [] : ["--database", url];
  const ports = ["--https-port", "0", "--agent-port", "0"];
  const service = startProgram("holdfast", ["serve", ...where, ...ports, ...database]);
  const { https_port: port } = await service.said("the controller is ready").catch(async (error: unknown) => {
    await service.end("SIGKILL");
    throw error;
  });
  const { privateKey } = await openSigningKey(join(data, "keys"));
  const { rootPem: ca } = await openAuthority(join(data, "pki"), new Date());
  const issuer = tokenIssuer(privateKey, () => new Date());
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: "localhost" });
  return {
    asSomebody: async (subject) => {
      const expiresAt = new Date(Date.now() + HOUR_MS);
      const token = await issuer.issue({ subject, scopes: ["admin"], expiresAt });
      return (path) => ask({ agent, port: Number(port), path, token });
    },
    watch: () => watch({ port: Number(port), ca }),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await service.end("SIGTERM");
    },
  };
}

/** By a connection of its own: whatever keeps the controller busy keeps this one waiting. */
function watch({ port, ca }: { port: number; ca: string }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: "localhost" });
  let longest = 0;
  let isOver = false;
  async function look(): Promise<void> {
    await ask({ agent, port, path: "/healthz" });
    while (!isOver) {
      longest = Math.max(longest, await ask({ agent, port, path: "/healthz" }));
      await pause(WATCH_EVERY_MS);
    }
  }
  const looking = look();
  looking.catch(() => undefined);
  return {
    async end() {
      isOver = true;
      await looking;
      agent.destroy();
      return longest;
    },
  };
}

function ask({ agent, port, path, token }: { agent: Agent; port: number; path: string; token?: string }) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise<number>((resolve, reject) => {
    const start = performance.now();
    const call = request({ agent, host: "127.0.0.1", port, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () => {
        const seconds = (performance.now() - start) / 1000;
        if (response.statusCode === 200) resolve(seconds);
        else reject(new Error(`${path} was answered ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    call.once("error", reject);
    call.end();
  });
}
