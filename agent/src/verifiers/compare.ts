/** Comparing what an export holds with a block hash map: the one proof of content, for verifications and drills. */
import type { OpenMap } from "../blockmap/map-file.ts";
import { changedRanges } from "../blockmap/ranges.ts";
import { type BlockReader, scanDisk } from "../blockmap/scan.ts";
import { isBlank, SEGMENT_BYTES } from "../blockmap/segment.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { carefulScan } from "./careful-scan.ts";
import { dataRanges, segmentsFrom } from "./data-ranges.ts";
import { createRangeFindings, type FindingList } from "./finding-list.ts";
import { connectSteadily, isDisconnect, isReadError, type SteadyClient } from "./steady-client.ts";

export type CompareOptions = {
  /** QEMU's view of the disk: says what holds data, and is read where something is wrong. */
  endpoint: NbdEndpoint;
  /** A faster way to the same bytes; default: the endpoint. */
  reader?: BlockReader | undefined;
  map: OpenMap;
  findings: FindingList;
  signal?: AbortSignal | undefined;
  /** Bytes per second. */
  speedLimit?: number | undefined;
  workers?: number | undefined;
  /** Bytes of data read so far. */
  onProgress?: ((bytesRead: number) => void) | undefined;
  /** Time in ms that failing reads may take in all before the rest is given up; default: two minutes. */
  patienceMs?: number | undefined;
};

/** `complete` is false when so much could not be read that it was given up; the findings say where. */
export type Comparison = { bytesRead: number; complete: boolean };

const PATIENCE_MS = 120_000;

type Progress = { bytesRead: number; patience: { ms: number } };

type Job = CompareOptions & {
  client: SteadyClient;
  progress: Progress;
  differing: ReturnType<typeof createRangeFindings>;
  unreadable: ReturnType<typeof createRangeFindings>;
};

/**
 * Reads all data of the export and adds a finding for each range that differs from the map (CONTENT_MISMATCH) or cannot
 * be read (READ_ERROR). Throws MAP_DAMAGED, CANCELLED, NBD's errors; a read error alone never ends it.
 */
export async function compareWithMap(options: CompareOptions): Promise<Comparison> {
  const { endpoint, findings, signal } = options;
  const client = await connectSteadily(endpoint, signal);
  const progress: Progress = { bytesRead: 0, patience: { ms: options.patienceMs ?? PATIENCE_MS } };
  const differing = createRangeFindings(findings, "CONTENT_MISMATCH", "differ from what was backed up");
  const unreadable = createRangeFindings(findings, "READ_ERROR", "cannot be read");
  const job: Job = { ...options, client, progress, differing, unreadable };
  try {
    for (let from: number | null = 0; from !== null; ) {
      const stopped = await fastPass(job, from);
      if (stopped !== null && progress.patience.ms <= 0) return { bytesRead: progress.bytesRead, complete: false };
      from = stopped === null ? null : await carefulPass(job, stopped);
    }
    return { bytesRead: progress.bytesRead, complete: true };
  } finally {
    differing.flush();
    unreadable.flush();
    await client.close();
  }
}

/** Compares from a segment on with all threads; resolves with the segment that must be read carefully, null at the end. */
async function fastPass(job: Job, from: number): Promise<number | null> {
  const { client, endpoint, map, signal, speedLimit, workers } = job;
  const { diskSize } = map.header;
  let next = from;
  const data = dataRanges(client, from * SEGMENT_BYTES, diskSize);
  const expected = segmentsFrom(map.segments(), from);
  const reader = job.reader ?? ({ kind: "nbd", endpoint } as const);
  try {
    for await (const scanned of scanDisk({ diskSize, reader, data, expected, workers, signal, speedLimit })) {
      for (const range of changedRanges(scanned.index, scanned.changed, diskSize)) job.differing.add(range);
      advance(job, scanned.bytesRead);
      next = scanned.index + 1;
    }
    return null;
  } catch (error) {
    if (!isReadError(error) && !isDisconnect(error)) throw error;
    return next;
  }
}

/** Compares from a segment on until one with unreadable blocks is behind it; null at the end of the disk. */
async function carefulPass(job: Job, from: number): Promise<number | null> {
  const { client, map, signal } = job;
  const { diskSize } = map.header;
  const data = dataRanges(client, from * SEGMENT_BYTES, diskSize);
  const expected = segmentsFrom(map.segments(), from);
  const { patience } = job.progress;
  for await (const read of carefulScan({ client, diskSize, data, expected, patience })) {
    signal?.throwIfAborted();
    for (const range of changedRanges(read.index, read.changed, diskSize)) job.differing.add(range);
    for (const range of changedRanges(read.index, read.unreadable, diskSize)) job.unreadable.add(range);
    advance(job, read.bytesRead);
    if (!isBlank(read.unreadable)) return read.index + 1;
  }
  return null;
}

function advance(job: Job, bytesRead: number): void {
  job.progress.bytesRead += bytesRead;
  job.onProgress?.(job.progress.bytesRead);
}
