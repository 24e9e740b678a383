/** Puts the parts of the service together and keeps them going. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import type { Link } from "../link/ports.ts";
import { openRuns } from "../runner/open-runs.ts";
import { createTeller } from "../runner/telling/teller.ts";
import type { Spool } from "../spool/port.ts";
import { openSpool } from "../spool/spool.ts";
import { createExecutor } from "./commands/executor.ts";
import { createTurns } from "./commands/turns.ts";
import { inventoryTeller } from "./inventory.ts";
import { keepUp, type Parts, startLink } from "./keep-up.ts";
import { createProgressFeed } from "./progress.ts";
import { openProtection, type Protection } from "./protection.ts";
import { createRenewal } from "./renewal.ts";
import { openSchedule } from "./schedule/run-schedule.ts";
import type { ServeOptions } from "./serve.ts";
import type { ServiceHost } from "./service-host.ts";
import { sayOnce } from "./warnings.ts";
import { together, type Work } from "./work.ts";

/** Runs that move data at the same time; more would only take turns at the disks. */
const AT_ONCE = 2;

export type Service = {
  work: Work;
  running: ReadonlySet<string>;
  /** Ends the link once nothing waits to be told, or after so many ms, and closes the spool. */
  end(lastWordsMs: number): Promise<void>;
};

type Wish = Pick<ServeOptions, "load" | "log" | "now"> & { config: Config };

export async function startService(options: Wish): Promise<Service> {
  const { log, now, config, load } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const spool = openSpool(config.state_dir, { now, thorough: true, log });
  // Each of them needs what another one makes later.
  const late: Late = {};
  const onDecided = (): void => late.schedule?.replan();
  const protection = await openProtection({ config, load, spool, clock: now, log, onDecided });
  const { host, renewal, stopProgress } = await makeHost(options, { spool, protection, late, signal });
  const turns = createTurns(AT_ONCE);
  const [executor, inventory] = [createExecutor(host, turns), inventoryTeller(host)];
  const schedule = await openSchedule(host, turns);
  Object.assign(late, { schedule, inventory });
  await protection.decide({ tell: true });
  await inventory({ always: true });
  await executor.resume();
  const parts = { host, executor, protection, renewal, schedule, inventory, signal };
  const link = startLink(parts, options);
  late.link = link;
  const upkeep = keepUp({ ...parts, link });
  return {
    work: together([executor, schedule]),
    running: host.running,
    end: async (lastWordsMs) => {
      for (const until = performance.now() + lastWordsMs; performance.now() < until; await sleep(50))
        if (link.status().phase !== "streaming" || spool.counts().waiting === 0) break;
      ending.abort();
      stopProgress();
      await Promise.all([link.ended, upkeep]);
      spool.close();
    },
  };
}

type Late = Partial<Pick<Parts, "link" | "schedule" | "inventory">>;
type Made = { spool: Spool; protection: Protection; late: Late; signal: AbortSignal };

async function makeHost({ log, now, config }: Wish, { spool, protection, late, signal }: Made) {
  const { state_dir: stateDir } = config;
  const warn = sayOnce(spool, log, now);
  const pathOf = (id: string): string | undefined =>
    protection.now().repositories.find(({ repository_id }) => repository_id === id)?.path;
  const teller = createTeller({ spool, stateDir, pathOf, now, warn });
  const ledger = await openRuns(config, protection.now().items, { now, warn, telling: teller });
  const running = new Set<string>();
  const renewal = createRenewal({ stateDir, link: () => late.link, now, log, signal });
  const progress = createProgressFeed((runs) => {
    late.link?.progress(runs.filter(({ run_id }) => running.has(run_id)));
  }, now);
  const host: ServiceHost = {
    ...{ stateDir, spool, teller, ledger, now, log, warn, running },
    protected: protection.now,
    onProgress: progress.update,
    rotateCertificate: renewal.rotate,
    linkState: () => describeLink(late.link),
    reloadPolicy: async () => {
      await protection.reload();
      await protection.decide({ tell: true });
      await late.inventory?.({ always: true });
    },
  };
  return { host, renewal, stopProgress: progress.stop };
}

function describeLink(link: Link | undefined): string {
  if (link === undefined) return "not begun";
  const { phase, since, lastProblem } = link.status();
  return `${phase} since ${since.toISOString()}${lastProblem === null ? "" : `; before: ${lastProblem}`}`;
}
