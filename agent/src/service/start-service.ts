/** Puts the parts of the service together and keeps them going. */
import { setTimeout as sleep } from "node:timers/promises";
import { watchAomei } from "../aomei/watch.ts";
import type { Config } from "../config/schema.ts";
import { clientIdentity } from "../identity/client-identity.ts";
import type { Link } from "../link/ports.ts";
import { runLink } from "../link/run-link.ts";
import { openRuns } from "../runner/open-runs.ts";
import { createTeller } from "../runner/telling/teller.ts";
import { openSpool } from "../spool/spool.ts";
import { createExecutor, type Executor } from "./commands/executor.ts";
import { lookAround, tellEverything } from "./facts.ts";
import { inventoryTeller } from "./inventory.ts";
import { createProgressFeed } from "./progress.ts";
import { openProtection, type Protection } from "./protection.ts";
import { createRenewal, type Renewal } from "./renewal.ts";
import { repeat } from "./repeat.ts";
import type { ServeOptions } from "./serve.ts";
import type { ServiceHost } from "./service-host.ts";
import { statusWriter } from "./status-file.ts";
import { sayOnce } from "./warnings.ts";

const CONFIG_MS = 2000;
const STATUS_MS = 1000;
const CERTIFICATE_MS = 5000;
const REPOSITORIES_MS = 600_000;
const HOUR_MS = 3_600_000;

export type Service = {
  executor: Executor;
  running: ReadonlySet<string>;
  /** Ends the link once nothing waits to be told, or after so many ms, and closes the spool. */
  end(lastWordsMs: number): Promise<void>;
};

type Parts = {
  host: ServiceHost;
  executor: Executor;
  protection: Protection;
  renewal: Renewal;
  inventory: ReturnType<typeof inventoryTeller>;
  link: Link;
  signal: AbortSignal;
};

export async function startService(
  options: Pick<ServeOptions, "load" | "log" | "now"> & { config: Config },
): Promise<Service> {
  const { log, now, config, load } = options;
  const { state_dir: stateDir } = config;
  const ending = new AbortController();
  const { signal } = ending;
  const spool = openSpool(stateDir, { now, thorough: true, log });
  const protection = await openProtection({ config, load, spool, clock: now, log });
  const warn = sayOnce(spool, log, now);
  const pathOf = (id: string): string | undefined =>
    protection.now().repositories.find(({ repository_id }) => repository_id === id)?.path;
  const teller = createTeller({ spool, stateDir, pathOf, now, warn });
  const ledger = await openRuns(config, protection.now().items, { now, warn, telling: teller });
  let link: Link | undefined;
  const running = new Set<string>();
  const renewal = createRenewal({ stateDir, link: () => link, now, log, signal });
  const progress = createProgressFeed((runs) => {
    link?.progress(runs.filter(({ run_id }) => running.has(run_id)));
  }, now);
  const host: ServiceHost = {
    ...{ stateDir, spool, teller, ledger, now, log, warn, running },
    protected: protection.now,
    onProgress: progress.update,
    rotateCertificate: renewal.rotate,
    reloadPolicy: () => decideAgain(protection, inventory, { reload: true }),
    linkState: () => describeLink(link),
  };
  const [executor, inventory] = [createExecutor(host), inventoryTeller(host)];
  await protection.decide({ tell: true });
  await inventory({ always: true });
  await executor.resume();
  link = startLink({ host, executor, protection, renewal, inventory, signal }, options);
  const upkeep = keepUp({ host, executor, protection, renewal, inventory, link, signal });
  return {
    executor,
    running: host.running,
    end: async (lastWordsMs) => {
      for (const until = performance.now() + lastWordsMs; performance.now() < until; await sleep(50))
        if (link?.status().phase !== "streaming" || spool.counts().waiting === 0) break;
      ending.abort();
      progress.stop();
      await Promise.all([link?.ended, upkeep]);
      spool.close();
    },
  };
}

function startLink(parts: Omit<Parts, "link">, { log, now }: Pick<ServeOptions, "log" | "now">): Link {
  const { host, executor, protection, renewal, inventory, signal } = parts;
  const hooks = {
    onCommand: executor.take,
    onCancel: executor.cancel,
    onPolicy: () => decideAgain(protection, inventory, { reload: false }),
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

type Inventory = Parts["inventory"];

async function decideAgain(protection: Protection, inventory: Inventory, wish: { reload: boolean }): Promise<void> {
  if (wish.reload) await protection.reload();
  await protection.decide({ tell: true });
  await inventory({ always: true });
}

/** What has to be done now and then; resolves after the signal. */
async function keepUp({ host, protection, renewal, inventory, link, signal }: Parts): Promise<void> {
  const { log, warn, now, teller, spool, stateDir } = host;
  const tellStatus = statusWriter(host, link);
  await Promise.all([
    renewal.look(),
    watchAomei({ settings: () => protection.now().config.aomei, spool, stateDir, now, log }, signal),
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

function describeLink(link: Link | undefined): string {
  if (link === undefined) return "not begun";
  const { phase, since, lastProblem } = link.status();
  return `${phase} since ${since.toISOString()}${lastProblem === null ? "" : `; before: ${lastProblem}`}`;
}
