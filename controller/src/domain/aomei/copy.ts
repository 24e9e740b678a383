/** Copies of a backup: which kind, and on what medium. */
export const COPY_TYPES = ["primary", "secondary", "offsite", "offline"] as const;
export type CopyType = (typeof COPY_TYPES)[number];

/** Told by nobody and not to be seen from the path. It counts as no medium kind of its own. */
export const UNKNOWN_MEDIA = "unknown";

const TABLE: readonly (readonly [RegExp, string])[] = [
  [/^(?:\\\\\?\\)?(?:UNC\\|\\\\[^?.])/i, "network_share"],
  [/^\/\/[^/]/, "network_share"],
  [/^(?:smb|nfs|cifs):/i, "network_share"],
  [/^\\\\\.\\tape/i, "tape"],
  [/^tape:/i, "tape"],
  [/^[a-z][a-z0-9+.-]+:/i, "cloud"],
  [/^(?:\\\\[?.]\\)?[a-z]:/i, "disk"],
  [/^\//, "disk"],
];

/** The medium that a storage path speaks of: disk, network_share, cloud or tape. A mapped drive looks like a disk. */
export function mediaOf(path: string | null): string {
  const text = path?.trim() ?? "";
  return TABLE.find(([pattern]) => pattern.test(text))?.[1] ?? UNKNOWN_MEDIA;
}
