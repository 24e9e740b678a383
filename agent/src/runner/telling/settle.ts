/** The end of an intent: what its work changed is looked at and told, as one with the run's end. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { AnyEvent } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import { acquireLockWithin } from "../../repository/lock.ts";
import type { Repository } from "../../repository/marker.ts";
import type { Spool } from "../../spool/port.ts";
import type { Intent, SpoolChange } from "../../spool/told.ts";
import type { EndedRecord, RunningRecord } from "../run-record.ts";
import { lookAtItem } from "./look.ts";
import type { ItemPlace, ProofResult } from "./port.ts";
import { finishedEvent } from "./run-events.ts";

/** A look takes as long as reading an item's folders: longer waits mean that a file system hangs. */
const LOOK_WAIT_MS = 60_000;

export type TellerParts = {
  spool: Spool;
  stateDir: string;
  /** Where this host has its repositories, by id: a copy of one at another path is not told of. */
  pathOf: (repositoryId: string) => string | undefined;
  now: () => Date;
  warn: (sentence: string) => void;
};

/** How the run behind an intent ended. */
export type Ending = { record: EndedRecord; running: RunningRecord; proof: ProofResult | null };

export type Found = Required<Pick<SpoolChange, "events" | "tell" | "forget">>;

/**
 * Facts first, then the end, and the intent goes with them. While the repository cannot be looked at, the end is told
 * all the same and the intent stays for a later look. `isOpen` is asked once nobody else can settle it.
 */
export async function settleIntent(
  parts: TellerParts,
  intent: Intent,
  ending: Ending | null,
  isOpen: () => boolean = () => true,
): Promise<void> {
  const { spool, warn } = parts;
  const place = placeOf(intent);
  const end = ending === null ? [] : [finishedEvent(ending.record)];
  const isKnown = isTellable(parts, place.repository);
  const later = (problem: HoldfastError): void => {
    if (ending === null && intent.process === null) return;
    warn(`what changed in ${intent.path} will be told later: ${problem.message}`);
    const events = [...(isKnown ? proofBeyond([], place, ending) : []), ...end];
    spool.record({ events, intend: [{ ...intent, process: null, run: null }] });
  };
  const settled = await whileLooking(parts, place.repository, async () => {
    if (!isOpen()) return;
    if (!isKnown) return spool.record({ events: end, settle: [intent.intent_id] });
    const found = await newFacts(parts, place, { ending, reason: intent.reason, again: null }).catch((error: unknown) =>
      asHoldfastError(error, `looking at what changed in ${intent.path}`),
    );
    if (found instanceof HoldfastError) return later(found);
    const events = [...found.events, ...proofBeyond(found.events, place, ending), ...end];
    spool.record({ ...found, events, settle: [intent.intent_id] });
  });
  if (settled instanceof HoldfastError) later(settled);
}

/** Runs `work` while no other process of this host looks at the repository; resolves with BUSY when one does for too long. */
export async function whileLooking(
  { stateDir }: TellerParts,
  { repositoryId }: Repository,
  work: () => Promise<void>,
): Promise<HoldfastError | undefined> {
  const folder = join(stateDir, "telling");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${repositoryId}.lock`);
  const lock = await acquireLockWithin(file, "telling what changed", LOOK_WAIT_MS).catch((error: unknown) =>
    asHoldfastError(error, `locking ${file}`),
  );
  if (lock instanceof HoldfastError) return lock;
  try {
    await work();
    return undefined;
  } finally {
    lock.release();
  }
}

type Asked = { ending: Ending | null; reason: string | null; again: number | null };

/** A copy of a repository that this host knows is not told of: what is removed there is still in the other one. */
export function isTellable({ pathOf }: TellerParts, { repositoryId, path }: Repository): boolean {
  return resolve(pathOf(repositoryId) ?? path) === resolve(path);
}

/** What is new of an item, and what to remember of it. Throws what reading the repository throws. */
export async function newFacts(
  { spool, now }: TellerParts,
  place: ItemPlace,
  { ending, reason, again }: Asked,
): Promise<Found> {
  return await lookAtItem(spool, place, { run: ending?.running ?? null, reason, again, now: now() });
}

function placeOf({ repository_id: repositoryId, path, vm_context_id: vmContextId }: Intent): ItemPlace {
  return { repository: { repositoryId, path }, vmContextId };
}

/** A proof whose repository could not keep it is told by itself. */
function proofBeyond(found: readonly AnyEvent[], { repository }: ItemPlace, ending: Ending | null): AnyEvent[] {
  if (ending?.proof == null) return [];
  const { proof, running } = ending;
  const placed = { repository_id: repository.repositoryId, run_id: running.run_id, told_again: false };
  if (proof.kind === "verification_recorded") {
    const { result: verification } = proof;
    const isFound = found.some(
      ({ kind, body }) => kind === proof.kind && body.verification.verification_id === verification.verification_id,
    );
    return isFound ? [] : [{ kind: proof.kind, body: { ...placed, verification } }];
  }
  const { result: drill } = proof;
  const isFound = found.some(({ kind, body }) => kind === proof.kind && body.drill.drill_id === drill.drill_id);
  return isFound ? [] : [{ kind: proof.kind, body: { ...placed, drill } }];
}
