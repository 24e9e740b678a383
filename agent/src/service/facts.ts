/** Telling what stands in the repositories and in the ledger: all of it once more, or what nobody has told yet. */
import { setTimeout as sleep } from "node:timers/promises";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { openRepository, type Repository } from "../repository/marker.ts";
import { listDisks } from "../repository/scan.ts";
import { readLedger } from "../runner/ledger.ts";
import { isEnded, type RunRecord } from "../runner/run-record.ts";
import { repositoryListing } from "../runner/telling/listings.ts";
import { toldPrefix } from "../runner/telling/look.ts";
import { finishedEvent, startedEvent } from "../runner/telling/run-events.ts";
import type { SpoolEvent } from "../spool/outbox.ts";
import type { ServiceHost } from "./service-host.ts";

/** While so many events wait, telling waits as well: results of now go before the facts of old. */
const WAITING_EVENTS = 5000;
const LOOK_MS = 200;
const RUNS_AT_ONCE = 200;

/**
 * Tells everything that was told under an earlier debt, and everything that never was: runs of the ledger first, then
 * backup by backup. Cut off, it goes on where it was. A repository that is not there now is told of once it is back,
 * by `lookAround`. CANCELLED when `signal` ends it.
 */
export async function tellEverything(host: ServiceHost, signal: AbortSignal): Promise<void> {
  await tellRuns(host, signal);
  await lookAround(host, signal);
  const told = host.spool.facts.told("run/").map(({ subject }) => subject);
  host.spool.record({ forget: told });
}

/** Looks through every repository for what was not told; resolves with the number of events. */
export async function lookAround(host: ServiceHost, signal: AbortSignal): Promise<number> {
  const { spool, teller, log } = host;
  let count = 0;
  for (const { repository_id, path } of host.protected().repositories) {
    try {
      const at = host.now();
      const repository = await openRepository(path, repository_id);
      const items = await itemsIn(repository, spool);
      for (const vmContextId of items) {
        await roomToTell(host, signal);
        count += await teller.lookAndTell({ repository, vmContextId }, spool.facts.generation());
      }
      const listed = await repositoryListing(spool, { repository, items }, { again: spool.facts.generation(), at });
      if (listed.events.length > 0) spool.record(listed);
      count += listed.events.length;
    } catch (error) {
      const known = asHoldfastError(error, `looking through ${path}`);
      if (known.code === "CANCELLED") throw known;
      log("warn", `the repository ${repository_id} was not looked through: ${known.message}`);
    }
  }
  return count;
}

/** Those that have a folder, and those that were told of. */
async function itemsIn(repository: Repository, spool: ServiceHost["spool"]): Promise<Set<string>> {
  const { disks } = await listDisks(repository.path);
  const prefix = toldPrefix(repository);
  const told = spool.facts.told(prefix).map(({ subject }) => subject.slice(prefix.length).split("/")[0] ?? "");
  return new Set([...disks.map(({ vmContextId }) => vmContextId), ...told]);
}

/** Each run of the ledger with its end. One that still runs tells its end itself, when it told its beginning. */
async function tellRuns(host: ServiceHost, signal: AbortSignal): Promise<void> {
  const { spool, ledger } = host;
  const generation = spool.facts.generation();
  const told = new Set(spool.facts.told("run/").flatMap((fact) => (fact.generation < generation ? [] : fact.subject)));
  const underway = new Set(spool.intents().map(({ intent_id }) => intent_id));
  const { runs } = await readLedger(ledger);
  const left = runs.toReversed().filter((run) => !told.has(`run/${run.run_id}`));
  const tellable = left.filter((run) => isEnded(run) || underway.has(run.run_id));
  for (let at = 0; at < tellable.length; at += RUNS_AT_ONCE) {
    await roomToTell(host, signal);
    const some = tellable.slice(at, at + RUNS_AT_ONCE);
    const tell = some.map(({ run_id }) => ({ subject: `run/${run_id}`, generation, state: "{}" }));
    spool.record({ events: some.flatMap(eventsOf), tell });
  }
}

function eventsOf(run: RunRecord): SpoolEvent[] {
  return isEnded(run) ? [startedEvent(run), finishedEvent(run)] : [startedEvent(run)];
}

async function roomToTell({ spool }: ServiceHost, signal: AbortSignal): Promise<void> {
  for (;;) {
    if (signal.aborted) throw new HoldfastError("CANCELLED", { message: "the agent stops" });
    const { waiting, room } = spool.counts();
    if (waiting < WAITING_EVENTS && room === "ample") return;
    await sleep(LOOK_MS);
  }
}
