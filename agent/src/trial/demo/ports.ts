import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { z } from "zod";
import { writeDurably } from "../../durable.ts";

/** `smtp`: of the demonstration's own mail server. */
const ports = z.object({ https: z.number().int(), agents: z.number().int(), smtp: z.number().int().default(8025) });
export type DemoPorts = z.infer<typeof ports>;

export const HOST = "127.0.0.1";
/** Linux gives ports from 32768 on to whoever asks for any, others from higher ones on. */
const FIRST_OF_ANY = 32_768;
const LOWEST = 15_000;
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

/** The wished one, else none that the system gives to whoever asks for any: that may be gone before it is listened on. */
async function freePort(wished: number, taken: readonly number[]): Promise<number> {
  if (!taken.includes(wished) && (await isFree(wished))) return wished;
  return await freePort(randomInt(LOWEST, FIRST_OF_ANY), taken);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
