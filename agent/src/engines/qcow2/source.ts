import type { SourceSpec } from "@holdfast/protocol";
import type { NbdEndpoint } from "../../nbd/endpoint.ts";
import type { BlockNode } from "../../qemu/daemon.ts";

/** The name every source's node carries in the job's storage daemon. */
export const SOURCE_NODE = "source";

/** Prefix of the dirty bitmaps that are ours; the rest is the id of the backup they count from. */
export const BITMAP_PREFIX = "holdfast-";

/** One disk asked for: where it is, and the ids that its dirty bitmaps are named after. */
export type DiskRequest = {
  diskId: number;
  spec: SourceSpec;
  /** The backup being made. */
  backupId: string;
  /** The restore point an increment would build on; null when there is none. */
  parentId: string | null;
};

/** Where the dirty bitmap that counts from the parent can be read; null with the reason when none can be trusted. */
export type DirtyBitmap =
  | { via: "own-export"; bitmap: string }
  | { via: "server"; endpoint: NbdEndpoint; context: string }
  | { via: "none" };

/** A disk that does not change any more, ready to be opened by the job's storage daemon. */
export type OpenSource = {
  diskId: number;
  kind: SourceSpec["kind"];
  /** For people; never holds a secret. */
  description: string;
  format: string;
  /** Read-only, named SOURCE_NODE. */
  node: BlockNode;
  /** `--object` options the node needs (TLS credentials), made in the daemon's private folder. */
  objects?: (folder: string) => Promise<string[]>;
  /** The file or device whose bytes are the disk's bytes, when there is one: read directly it is fastest. */
  rawFile: string | null;
  dirty: DirtyBitmap;
  /** Why the bitmap may be trusted, or why there is none. */
  dirtyReason: string;
  /** Throws SOURCE_CHANGED (or SOURCE_MISSING) when the disk is not what it was when it was opened. */
  confirm: () => Promise<void>;
};

export type Consistency = "offline" | "crash-consistent" | "filesystem-frozen";

/** All disks of one request, at one point in time. */
export type FrozenPoint = {
  consistency: Consistency;
  sources: OpenSource[];
  /**
   * Lets the source go on as before: called exactly once, after the backups were committed (then bitmaps that count
   * from them are kept and the parents' are dropped) or given up (the other way round). Never throws; what could not
   * be undone is returned as sentences for the log.
   */
  release: (outcome: "committed" | "abandoned") => Promise<string[]>;
};

export type FreezeContext = {
  /** Folders that sources must lie inside, from the host's own configuration. */
  roots: readonly string[];
  /** NBD servers that may be read: `unix:/path`, `host:port`; from the host's own configuration. */
  nbdServers: readonly string[];
  signal?: AbortSignal | undefined;
  warn: (sentence: string) => void;
  /** Adds an enabled, persistent dirty bitmap to a qcow2 image; without it a tool is started for that. */
  addBitmap?: AddBitmap;
};

export type AddBitmap = (path: string, name: string) => Promise<void>;

/** Makes every disk of the request stand still at one moment. One implementation for each kind of source. */
export type Freeze<Kind extends SourceSpec["kind"]> = (
  disks: readonly (DiskRequest & { spec: Extract<SourceSpec, { kind: Kind }> })[],
  context: FreezeContext,
) => Promise<FrozenPoint>;
