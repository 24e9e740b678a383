/** What the service says about itself to the commands of a person: `<state_dir>/service.json`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeDurably } from "../durable.ts";
import type { Link } from "../link/ports.ts";
import { isAlive, ownIdentity } from "../runner/process-identity.ts";
import { agentVersion } from "../version.ts";
import type { ServiceHost } from "./service-host.ts";

const status = z.object({
  schema: z.literal("holdfast.service/1"),
  process: z.object({ pid: z.number().int(), started: z.string().nullable() }),
  version: z.string().max(50),
  started_at: z.iso.datetime(),
  link: z.object({ phase: z.string().max(50), since: z.iso.datetime(), last_problem: z.string().max(4000).nullable() }),
});
export type ServiceStatus = z.infer<typeof status>;

function pathOf(stateDir: string): string {
  return join(stateDir, "service.json");
}

/** Writes it whenever the link's state is another than it was at the last call. */
export function statusWriter(
  { stateDir, now }: Pick<ServiceHost, "stateDir" | "now">,
  link: Pick<Link, "status">,
): () => Promise<void> {
  const started_at = now().toISOString();
  let written = "";
  return async () => {
    const { phase, since, lastProblem } = link.status();
    const about = { phase, since: since.toISOString(), last_problem: lastProblem?.slice(0, 4000) ?? null };
    const body: ServiceStatus = {
      ...{ schema: "holdfast.service/1", process: ownIdentity(), version: agentVersion(), started_at, link: about },
    };
    const text = `${JSON.stringify(body, null, 2)}\n`;
    if (text === written) return;
    await writeDurably(pathOf(stateDir), text, 0o600);
    written = text;
  };
}

/** What the running service last said; null when none runs. */
export async function readStatus(stateDir: string): Promise<ServiceStatus | null> {
  try {
    const read = status.parse(JSON.parse(await readFile(pathOf(stateDir), "utf8")));
    return isAlive(read.process) ? read : null;
  } catch {
    return null;
  }
}
