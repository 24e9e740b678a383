import type { Store } from "../../store/db.ts";
import type { Heartbeats } from "./heartbeats.ts";

/** Bytes of the medium that holds the data folder. */
export type Room = { freeBytes: number; totalBytes: number };
export type ReadyContext = { store: Store; heartbeats: Heartbeats; room: () => Promise<Room> };

/** With less nothing can be written down any more, soon. */
const LEAST_ROOM = 64 * 1024 * 1024;

/** Why this controller cannot do its work now, each a sentence; none: it can. */
export async function readinessTroubles({ store, heartbeats, room }: ReadyContext): Promise<string[]> {
  const database = await store
    .read((db) => db.select().from(db.tables.settings).limit(1))
    .then(
      () => [],
      () => ["the database does not answer"],
    );
  const disk = await room().then(
    ({ freeBytes }) => (freeBytes < LEAST_ROOM ? ["the data folder's medium is full"] : []),
    () => ["the data folder cannot be looked at"],
  );
  const late = heartbeats
    .late()
    .map(({ job, quietSeconds }) => `the job '${job}' has not ended well for ${Math.round(quietSeconds)} s`);
  return [...database, ...disk, ...late];
}
