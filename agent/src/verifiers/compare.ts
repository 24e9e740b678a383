/** Comparing what an export holds with a block hash map: the one proof of content, for verifications and drills. */
import type { OpenMap } from "../blockmap/map-file.ts";
import { changedRanges } from "../blockmap/ranges.ts";
import { scanDisk } from "../blockmap/scan.ts";
import { isBlank, SEGMENT_BYTES } from "../blockmap/segment.ts";
import { connectNbd, type NbdClient } from "../nbd/client.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { BASE_ALLOCATION } from "../nbd/extents.ts";
import { carefulScan } from "./careful-scan.ts";
import { dataRanges, isReadError, segmentsFrom } from "./data-ranges.ts";
import { createRangeFindings, type FindingList } from "./finding-list.ts";

export type CompareOptions = {
  endpoint: NbdEndpoint;
  map: OpenMap;
  findings: FindingList;
  signal?: AbortSignal | undefined;
  /** Bytes per second. */
  speedLimit?: number | undefined;
  workers?: number | undefined;
  /** Bytes of data read so far. */
  onProgress?: ((bytesRead: number) => void) | undefined;
};

/** `complete` is false when so much could not be read that it was given up; the findings say where. */
export type Comparison = { bytesRead: number; complete: boolean };

/** Segments with unreadable blocks after which the rest is not tried: a dying disk can take minutes for each read. */
const UNREADABLE_SEGMENTS = 64;

type Progress = { bytesRead: number; unreadableSegments: number };

type Job = CompareOptions & {
  client: NbdClient;
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
  const client = await connectNbd(endpoint, { contexts: [BASE_ALLOCATION], ...(signal && { signal }) });
  const progress: Progress = { bytesRead: 0, unreadableSegments: 0 };
  const differing = createRangeFindings(findings, "CONTENT_MISMATCH", "differ from what was backed up");
  const unreadable = createRangeFindings(findings, "READ_ERROR", "cannot be read");
  const job: Job = { ...options, client, progress, differing, unreadable };
  try {
    for (let from: number | null = 0; from !== null; ) {
      const stopped = await fastPass(job, from);
      if (stopped !== null && progress.unreadableSegments >= UNREADABLE_SEGMENTS)
        return { bytesRead: progress.bytesRead, complete: false };
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
  const reader = { kind: "nbd", endpoint } as const;
  try {
    for await (const scanned of scanDisk({ diskSize, reader, data, expected, workers, signal, speedLimit })) {
      for (const range of changedRanges(scanned.index, scanned.changed, diskSize)) job.differing.add(range);
      advance(job, scanned.bytesRead);
      next = scanned.index + 1;
    }
    return null;
  } catch (error) {
    if (!isReadError(error)) throw error;
    return next;
  }
}

/** Compares from a segment on until one with unreadable blocks is behind it; null at the end of the disk. */
async function carefulPass(job: Job, from: number): Promise<number | null> {
  const { client, map, signal } = job;
  const { diskSize } = map.header;
  const data = dataRanges(client, from * SEGMENT_BYTES, diskSize);
  for await (const read of carefulScan({ client, diskSize, data, expected: segmentsFrom(map.segments(), from) })) {
    signal?.throwIfAborted();
    for (const range of changedRanges(read.index, read.changed, diskSize)) job.differing.add(range);
    for (const range of changedRanges(read.index, read.unreadable, diskSize)) job.unreadable.add(range);
    advance(job, read.bytesRead);
    if (isBlank(read.unreadable)) continue;
    job.progress.unreadableSegments += 1;
    return read.index + 1;
  }
  return null;
}

function advance(job: Job, bytesRead: number): void {
  job.progress.bytesRead += bytesRead;
  job.onProgress?.(job.progress.bytesRead);
}
