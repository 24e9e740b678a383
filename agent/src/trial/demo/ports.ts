import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { z } from "zod";
import { writeDurably } from "../../durable.ts";

/** `smtp`: of the demonstration's own mail server. */
const ports = z.object({ https: z.number().int(), agents: z.number().int(), smtp: z.number().int().default(8025) });
export type DemoPorts = z.infer<typeof ports>;

export const HOST = "127.0.0.1";
const USUAL: DemoPorts = { https: 8443, agents: 8444, smtp: 8025 };

/** The ports of the start before, else the usual ones; another where one is taken. Kept in `file` for the next start. */
export async function choosePorts(file: string): Promise<DemoPorts> {
  const before = await readFile(file, "utf8").then(
    (text) => ports.parse(JSON.parse(text)),
    () => USUAL,
  );
  const https = await freePort(before.https, []);
  const agents = await freePort(before.agents, [https]);
  const chosen = { https, agents, smtp: await freePort(before.smtp, [https, agents]) };
  await writeDurably(file, `${JSON.stringify(chosen)}\n`);
  return chosen;
}

async function freePort(wished: number, taken: readonly number[]): Promise<number> {
  if (!taken.includes(wished) && (await tryPort(wished)) !== null) return wished;
  const any = await tryPort(0);
  return any === null || taken.includes(any) ? await freePort(0, taken) : any;
}

/** null: someone has it. */
function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
    });
  });
}
