/** A source that is open for one scan and hashed piece by piece, on whichever thread this runs. */
import { type BlockSource, openBlockSource } from "./block-source.ts";
import { hashBlocks } from "./hash-blocks.ts";
import type { HashedBlocks, HashTask, OpenRequest } from "./messages.ts";
import { createTagger } from "./tags.ts";

export type HashSession = {
  /** Rejects with what opening the source failed with, CANCELLED once the scan's flag is set, and the source's own. */
  hash(task: HashTask): Promise<HashedBlocks>;
  /** Ends what is under way and lets go of the source; never throws. */
  close(): Promise<void>;
};

/** Begins to open the source; a failure of that is heard with the first task. */
export function openHashSession({ reader, diskSize, stop, tagKey }: OpenRequest): HashSession {
  const ending = new AbortController();
  const opening = openBlockSource(reader, diskSize, ending.signal);
  // Each task reports the failure; alone it must not end the thread.
  opening.catch(() => undefined);
  const tagger = tagKey && createTagger(tagKey);
  const buffers: Buffer[] = [];
  const running = new Set<Promise<HashedBlocks>>();
  const stopped = (): boolean => Atomics.load(stop, 0) !== 0;
  const start = async (task: HashTask): Promise<HashedBlocks> =>
    await hashBlocks(task, { source: await opening, diskSize, buffers, stopped, tagger });
  return {
    hash: async (task) => {
      const answer = start(task);
      running.add(answer);
      return await answer.finally(() => running.delete(answer));
    },
    close: async () => {
      // This first, so that reads over a network that hang fail, and with them their tasks.
      ending.abort();
      await Promise.allSettled(running);
      await opening.then((source: BlockSource) => source.close()).catch(() => undefined);
    },
  };
}
