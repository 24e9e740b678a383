/** The port of verifiers: each part looks at one side of a backup and adds what it finds wrong. */
import type { Verification } from "@holdfast/protocol";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import type { BackupKeys } from "../restore/keys.ts";
import type { Line } from "../restore/line.ts";
import type { FindingList } from "./finding-list.ts";

export type PartName = Verification["parts"][number];

export type VerifyProgress = { part: PartName; doneBytes: number; totalBytes: number };

export type VerifyOptions = {
  keys: BackupKeys | null;
  /** Default: all four. Whatever their order here, they run as structure, chain, map, content. */
  parts?: readonly PartName[];
  /** sha256 (hex) of the map file as someone else recorded it at backup time. */
  recordedMapDigest?: string | undefined;
  /** In ms, for the whole verification; default: none. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Bytes per second of reading content. */
  speedLimit?: number | undefined;
  workers?: number | undefined;
  /**
   * The same process has just verified all of the parent and found nothing: the images below are not looked at again, and
   * of the content what this backup adds is read, or all of it.
   */
  parentProven?: "read what it adds" | "read all" | undefined;
};

export type PartContext = { disk: CatalogueDisk; line: Line; findings: FindingList; options: VerifyOptions };

/** `ran` false: what was found before makes it impossible. `cached` and `bytesRead` speak of the disk's content. */
export type PartOutcome = { ran: boolean; bytesRead?: number; cached?: boolean };

/** Throws only what is no statement about the backup (a missing tool, a missing key, cancelled). */
export type Part = { name: PartName; run: (context: PartContext) => Promise<PartOutcome> };
