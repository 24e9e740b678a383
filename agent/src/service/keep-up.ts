/** What the service does all the time: its link, and what comes again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { watchAomei } from "../aomei/watch.ts";
import { clientIdentity } from "../identity/client-identity.ts";
import type { Link } from "../link/ports.ts";
import { runLink } from "../link/run-link.ts";
import { openRuns } from "../runner/open-runs.ts";
import type { Executor } from "./commands/executor.ts";
import { lookAround, tellEverything } from "./facts.ts";
import type { inventoryTeller } from "./inventory.ts";
import type { Protection } from "./protection.ts";
import type { Renewal } from "./renewal.ts";
import { repeat } from "./repeat.ts";
import type { Schedule } from "./schedule/run-schedule.ts";
import type { ServeOptions } from "./serve.ts";
import type { ServiceHost } from "./service-host.ts";
import { statusWriter } from "./status-file.ts";

const CONFIG_MS = 2000;
const STATUS_MS = 1000;
const CERTIFICATE_MS = 5000;
const REPOSITORIES_MS = 600_000;
const CONTACT_MS = 5000;
const HOUR_MS = 3_600_000;

export type Parts = {
  host: ServiceHost;
  executor: Executor;
  protection: Protection;
  renewal: Renewal;
  schedule: Schedule;
  inventory: ReturnType<typeof inventoryTeller>;
  link: Link;
  signal: AbortSignal;
};

export function startLink(parts: Omit<Parts, "link">, { log, now }: Pick<ServeOptions, "log" | "now">): Link {
  const { host, executor, protection, renewal, inventory, signal } = parts;
  const hooks = {
    onCommand: executor.take,
    onCancel: executor.cancel,
    onPolicy: async () => {
      await protection.decide({ tell: true });
      await inventory({ always: true });
    },
    onCertificate: renewal.onCertificate,
    onRenewRefused: renewal.onRefused,
    tellAgain: async () => {
      await tellEverything(host, signal);
      await inventory({ always: true });
    },
    running: () => [...host.running],
  };
  return runLink({ spool: host.spool, identity: () => clientIdentity(host.stateDir), hooks, now, log }, signal);
}

/** What has to be done now and then; resolves after the signal. */
export async function keepUp({ host, protection, renewal, schedule, inventory, link, signal }: Parts): Promise<void> {
  const { log, warn, now, teller, spool, stateDir } = host;
  const tellStatus = statusWriter(host, link);
  await Promise.all([
    renewal.look(),
    schedule.run(signal),
    firstContact(link, signal).then(() =>
      watchAomei({ settings: () => protection.now().config.aomei, spool, stateDir, now, log }, signal),
    ),
    repeat(STATUS_MS, signal, log, tellStatus),
    repeat(CERTIFICATE_MS, signal, log, renewal.look),
    repeat(CONFIG_MS, signal, log, async () => {
      if (await protection.reload()) await inventory({ always: true });
    }),
    repeat(REPOSITORIES_MS, signal, log, () => inventory({ always: false })),
    repeat(HOUR_MS, signal, log, async () => {
      const { config, items } = protection.now();
      await openRuns(config, items, { now, warn, telling: teller });
      await lookAround(host, signal);
      await inventory({ always: true });
    }),
  ]);
}

/** Who finds a controller that knows nothing owes it all that was told before: a long log would be read twice. */
async function firstContact(link: Link, signal: AbortSignal): Promise<void> {
  for (const late = performance.now() + CONTACT_MS; performance.now() < late && !signal.aborted; await sleep(50))
    if (link.status().phase === "streaming") return;
}
