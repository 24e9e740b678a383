/** A host with two backups, a spool, and an ear for what is new in it. */
import { join } from "node:path";
import type { EventEnvelope } from "@holdfast/protocol";
import { idOf, makeBackups } from "../../../../test/helpers/hand-made-backups.ts";
import { openSpool } from "../../spool/spool.ts";
import type { Intent } from "../../spool/told.ts";
import type { RunContext } from "../context.ts";
import { withItem } from "../item-lock.ts";
import { openLedger } from "../ledger.ts";
import { verifyTarget } from "../prove-target.ts";
import type { RunningRecord } from "../run-record.ts";
import { storedDisks, targetIn } from "../target.ts";
import { createTeller } from "./teller.ts";

/** A process that is gone. */
export const DEAD = { pid: 999_999_999, started: "never" };
export const now = (): Date => new Date();

export type TellingHost = Awaited<ReturnType<typeof makeTellingHost>>;

export async function makeTellingHost() {
  const made = await makeBackups({ diskSize: 1024 * 1024, writes: [["write -P 5 0 64k"], ["write -P 6 64k 64k"]] });
  const stateDir = join(made.root, "state");
  const spool = openSpool(stateDir);
  const warnings: string[] = [];
  const warn = (sentence: string): void => void warnings.push(sentence);
  const teller = createTeller({ spool, stateDir, pathOf: () => made.repository.path, now, warn });
  const rules = {
    state_dir: stateDir,
    scratch_dir: join(made.root, "scratch"),
    drill_timeout_seconds: 60,
    roots: [made.root],
    nbd_servers: [],
    floor: { min_points: 1, min_age_days: 0 },
  };
  const { signal } = new AbortController();
  const context: RunContext = { rules, ledger: await openLedger(stateDir), signal, now, warn, telling: teller };
  const target = async (index: number, repository = made.repository) =>
    targetIn(await storedDisks([repository]), idOf(index));
  let seen = 0;
  /** The events since the last call. */
  const news = (): EventEnvelope[] => {
    const { events } = spool.pending(seen, 1000, 1e9);
    seen = events.at(-1)?.seq ?? seen;
    return events;
  };
  return {
    made,
    spool,
    teller,
    warnings,
    warn,
    context,
    news,
    target,
    kinds: () => news().map(({ kind }) => kind),
    place: () => ({ repository: made.repository, vmContextId: "vm-1" }),
    verify: async (index: number, repository = made.repository) => {
      const one = await target(index, repository);
      return await withItem(context, "vm-1", "test", (runs) => verifyTarget(runs, one, { keys: null }));
    },
    cutOff: (record: RunningRecord): Intent => {
      const { repositoryId: repository_id, path } = made.repository;
      const about = { process: DEAD, repository_id, path, vm_context_id: "vm-1", reason: null };
      return { ...about, intent_id: record.run_id, run: JSON.stringify(record) };
    },
    remove: async (): Promise<void> => {
      spool.close();
      await made.remove();
    },
  };
}
