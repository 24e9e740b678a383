/** What a run came to, in AOMEI's words and in ours. */

/** As it was told: `unknown` says that the teller could not know. */
export const TOLD_STATUSES = ["success", "warning", "failed", "unknown"] as const;
export type ToldStatus = (typeof TOLD_STATUSES)[number];

/** As it is kept: a run of unknown outcome is a warning, because nobody may take it for a good one. */
export type RunStatus = Exclude<ToldStatus, "unknown">;

/** In any case of letters; null when it is none of them. */
export function readStatus(text: string): ToldStatus | null {
  const lower = text.toLowerCase();
  return TOLD_STATUSES.find((status) => status === lower) ?? null;
}

const WORST_FIRST: readonly RunStatus[] = ["failed", "warning", "success"];

/**
 * One run's outcome from everyone who told of it; null: did not tell. Who knows comes before who does not; of two who
 * know, the worse one holds, because the script also sees what comes after the image was written.
 */
export function combinedStatus(script: ToldStatus | null, agent: ToldStatus | null): RunStatus {
  const known = [script, agent].filter((status) => status !== null && status !== "unknown");
  return WORST_FIRST.find((status) => known.includes(status)) ?? "warning";
}
