/**
 * One request of a read: `length` bytes at `offset` of the export, of which `take` bytes after `skip` belong at `at`
 * in the reader's target. Where nothing is skipped and all is taken, the server's data can go straight there.
 */
export type ReadPart = { offset: number; length: number; skip: number; take: number; at: number };

export type BlockRules = { size: number; minimumBlock: number; maximumBlock: number };

/** Cuts a read into requests that the server accepts: aligned to its minimum block, no larger than its maximum. */
export function* planRead(offset: number, length: number, rules: BlockRules): Generator<ReadPart> {
  const { size, minimumBlock, maximumBlock } = rules;
  let at = 0;
  while (at < length) {
    const position = offset + at;
    const skip = position % minimumBlock;
    const rest = length - at;
    const whole = rest - (rest % minimumBlock);
    // A torn block at either end is read whole, by itself; what lies between goes directly into the target.
    const torn = skip > 0 || whole === 0;
    const start = position - skip;
    const wanted = Math.min(torn ? minimumBlock : Math.min(whole, maximumBlock), size - start);
    const take = Math.min(wanted - skip, rest);
    yield { offset: start, length: wanted, skip, take, at };
    at += take;
  }
}

/** Cuts `[offset, offset + length)` into pieces of at most `most` bytes. */
export function* planPieces(
  offset: number,
  length: number,
  most: number,
): Generator<{ offset: number; length: number }> {
  for (let at = 0; at < length; at += most) yield { offset: offset + at, length: Math.min(most, length - at) };
}

/**
 * Runs `work` over all items, at most `limit` at a time. Rejects with the first error, but only when nothing is under
 * way any more: the caller may reuse its buffers as soon as this has settled.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const errors: unknown[] = [];
  async function drain(): Promise<void> {
    for (let next = queue.next(); !next.done && errors.length === 0; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, drain));
  if (errors.length > 0) throw errors[0];
}
