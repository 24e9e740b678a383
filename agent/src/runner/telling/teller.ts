/** Telling through the spool: each fact goes in together with the memory of having told it. */
import { randomUUID } from "node:crypto";
import { asHoldfastError } from "../../errors.ts";
import type { Intent } from "../../spool/told.ts";
import { lostRecord, readRun } from "../ledger.ts";
import { isAlive, ownIdentity } from "../process-identity.ts";
import { isEnded, type RunningRecord, runRecord } from "../run-record.ts";
import type { ItemPlace, Telling } from "./port.ts";
import { startedEvent } from "./run-events.ts";
import { type Ending, isTellable, newFacts, settleIntent, type TellerParts, whileLooking } from "./settle.ts";

export type Teller = Telling & {
  /**
   * Looks at an item and tells what is new; `again`: and all that was told under an earlier debt. Resolves with the
   * number of events. Throws what reading the repository throws, and BUSY.
   */
  lookAndTell(place: ItemPlace, again: number | null): Promise<number>;
};

export function createTeller(parts: TellerParts): Teller {
  const { spool } = parts;
  /** The intents of this process whose work goes on. */
  const active = new Set<string>();
  const settle = async (intent: Intent, ending: Ending | null): Promise<void> => {
    await settleIntent(parts, intent, ending).finally(() => active.delete(intent.intent_id));
  };
  return {
    begin: ({ record, repository, reason }) => {
      spool.assertRoom();
      const intent = runIntent(record, { repository, vmContextId: record.item }, reason);
      spool.record({ intend: [intent], events: [startedEvent(record)] });
      active.add(intent.intent_id);
    },
    end: async ({ record: running, repository, reason }, record, proof) => {
      const intent = runIntent(running, { repository, vmContextId: running.item }, reason);
      await settle(intent, { record, running, proof });
    },
    around: async (place, work) => {
      const intent: Intent = { ...intentOf(place), intent_id: randomUUID(), reason: null, run: null };
      spool.record({ intend: [intent] });
      active.add(intent.intent_id);
      try {
        return await work();
      } finally {
        await settle(intent, null);
      }
    },
    reconcile: (ledger) => reconcile(parts, ledger, active),
    lookAndTell: async (place, again) => {
      if (!isTellable(parts, place.repository)) return 0;
      let count = 0;
      const problem = await whileLooking(parts, place.repository, async () => {
        const found = await newFacts(parts, place, { ending: null, reason: null, again });
        count = found.events.length;
        if (count > 0) spool.record(found);
      });
      if (problem !== undefined) throw problem;
      return count;
    },
  };
}

async function reconcile(parts: TellerParts, ledger: string, active: ReadonlySet<string>): Promise<void> {
  const { spool, now, warn } = parts;
  const isOpen = (id: string): boolean => spool.intents().some(({ intent_id }) => intent_id === id);
  for (const intent of spool.intents()) {
    if (active.has(intent.intent_id) || isOfAnother(intent)) continue;
    const ending = await endingOf(intent, ledger, now());
    await settleIntent(parts, intent, ending, () => isOpen(intent.intent_id)).catch((error: unknown) => {
      warn(asHoldfastError(error, "telling what an earlier run changed").message);
    });
  }
}

/** Whether a living process other than this one is to settle it. */
function isOfAnother({ process: worker }: Intent): boolean {
  return worker !== null && worker.pid !== process.pid && isAlive(worker);
}

async function endingOf({ run, intent_id }: Intent, ledger: string, at: Date): Promise<Ending | null> {
  if (run === null) return null;
  const running = runRecord.parse(JSON.parse(run));
  if (running.state !== "running") return null;
  const known = await readRun(ledger, intent_id);
  return { running, record: known !== undefined && isEnded(known) ? known : lostRecord(running, at), proof: null };
}

function intentOf({ repository, vmContextId }: ItemPlace): Omit<Intent, "intent_id" | "reason" | "run"> {
  const { repositoryId: repository_id, path } = repository;
  return { process: ownIdentity(), repository_id, path, vm_context_id: vmContextId };
}

function runIntent(record: RunningRecord, place: ItemPlace, reason: string | null): Intent {
  return { ...intentOf(place), intent_id: record.run_id, reason, run: JSON.stringify(record) };
}
