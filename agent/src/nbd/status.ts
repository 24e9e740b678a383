import { protocolError } from "./failures.ts";

/** A stretch of the export with one state; `flags` mean what the meta context says they mean. */
export type StatusRun = { offset: number; length: number; flags: number };

/** Runs of one answer that are kept (QEMU sends no more); the rest is asked for again, so that memory stays bounded. */
const MOST_RUNS = 131_072;

export type StatusRange = { offset: number; length: number };

/**
 * Reads the pairs (length, flags) of a block-status answer. `asked` is the range of the request, `wanted` the part of
 * it to report: runs are clipped to that and equal neighbours joined. Only the last run may reach beyond the request,
 * and none beyond the export. Throws NBD_PROTOCOL.
 */
export function readStatus(pairs: Buffer, asked: StatusRange, wanted: StatusRange, size: number): StatusRun[] {
  const runs: StatusRun[] = [];
  const askedEnd = asked.offset + asked.length;
  const wantedEnd = wanted.offset + wanted.length;
  let position = asked.offset;
  for (let at = 0; at < pairs.length && runs.length < MOST_RUNS; at += 8) {
    const length = pairs.readUInt32BE(at);
    if (length === 0) throw protocolError("a block status of length 0");
    if (position >= askedEnd || position + length > size) throw protocolError("a block status beyond the request");
    const start = Math.max(position, wanted.offset);
    const end = Math.min(position + length, wantedEnd);
    if (start < end) append(runs, { offset: start, length: end - start, flags: pairs.readUInt32BE(at + 4) });
    position += length;
  }
  if (runs.length === 0) throw protocolError("a block status that says nothing about the range asked for");
  return runs;
}

function append(runs: StatusRun[], run: StatusRun): void {
  const last = runs.at(-1);
  if (last?.flags === run.flags) last.length += run.length;
  else runs.push(run);
}
