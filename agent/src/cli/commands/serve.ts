import { loadConfig, surroundings } from "../../config/load.ts";
import { createLog } from "../../service/log.ts";
import { serve as serveHost } from "../../service/serve.ts";
import { stopOnSignals } from "../../service/stop.ts";
import { usageError } from "../answer.ts";
import type { GlobalOptions } from "../host.ts";

export type ServeCommandOptions = GlobalOptions & { drainSeconds: string };

/** `holdfast-agent serve`: runs until it is asked to stop; standard output is its log, one JSON object a line. */
export async function serve({ config, drainSeconds }: ServeCommandOptions): Promise<void> {
  const drainMs = Number(drainSeconds) * 1000;
  if (!/^\d{1,6}$/.test(drainSeconds)) throw usageError(`--drain-seconds ${drainSeconds} is no number of seconds`, "");
  using stop = stopOnSignals();
  const load = () => loadConfig(config, surroundings());
  await serveHost({ load, log: createLog(), now: () => new Date(), stop, drainMs });
}
