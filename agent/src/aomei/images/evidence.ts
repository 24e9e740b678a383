/** Size and duration of a run, from the image that it made: a log has neither. */
import type { TellableEntry } from "../teller.ts";
import type { ListedImage } from "./list.ts";
import { bearsName } from "./match.ts";

export type RunEvidence = Pick<TellableEntry, "image" | "size_bytes" | "duration_seconds">;
const NO_EVIDENCE: RunEvidence = { image: null, size_bytes: null, duration_seconds: null };

/** An image is last written to shortly before its run ends; clocks of a share may differ. */
const BEFORE_MS = 15 * 60_000;
const AFTER_MS = 5 * 60_000;
const LONGEST_MS = 7 * 86_400_000;

/** The image of the task that was written last when the run ended at `time` (seconds). */
export function runEvidence(
  run: { task: string | null; time: number | null },
  images: readonly ListedImage[],
): RunEvidence {
  const { task, time } = run;
  if (task === null || time === null) return NO_EVIDENCE;
  const endedMs = time * 1000;
  const [image] = images
    .filter(({ modifiedMs }) => modifiedMs >= endedMs - BEFORE_MS && modifiedMs <= endedMs + AFTER_MS)
    .filter(({ name }) => bearsName(name, task))
    .sort((a, b) => Math.abs(a.modifiedMs - endedMs) - Math.abs(b.modifiedMs - endedMs));
  if (image === undefined) return NO_EVIDENCE;
  const { path, size, bornMs, modifiedMs } = image;
  // A copy is born after it was last written to: its birth says nothing of the run.
  const isBirthTrue = bornMs > 0 && bornMs < modifiedMs && endedMs > bornMs && endedMs - bornMs <= LONGEST_MS;
  const duration_seconds = isBirthTrue ? Math.round(endedMs - bornMs) / 1000 : null;
  return { image: path, size_bytes: size, duration_seconds };
}
