import type { Store } from "../../store/db.ts";
import type { Heartbeats } from "./heartbeats.ts";

/** Bytes of the medium that holds the data folder. */
export type Room = { freeBytes: number; totalBytes: number };
export type ReadyContext = { store: Store; heartbeats: Heartbeats; room: () => Promise<Room> };

/** With less nothing can be written down any more, soon. */
const LEAST_ROOM = 64 * 1024 * 1024;
/** Whoever asks whether it is ready waits for no more than a few seconds himself. */
const ANSWER_MS = 2000;

/** Why this controller cannot do its work now, each a sentence; none: it can. */
export async function readinessTroubles({ store, heartbeats, room }: ReadyContext): Promise<string[]> {
  const answers = store.read((db) => db.select().from(db.tables.settings).limit(1));
  const [database, disk] = await Promise.all([
    soon(answers).then(
      () => [],
      () => ["the database does not answer"],
    ),
    soon(room()).then(
      ({ freeBytes }) => (freeBytes < LEAST_ROOM ? ["the data folder's medium is full"] : []),
      () => ["the data folder cannot be looked at"],
    ),
  ]);
  const late = heartbeats
    .late()
    .map(({ job, quietSeconds }) => `the job '${job}' has not ended well for ${Math.round(quietSeconds)} s`);
  return [...database, ...disk, ...late];
}

/** Fails when it takes too long; what it is about ends by itself. */
async function soon<Value>(work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), ANSWER_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
