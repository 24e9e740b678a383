/** The port of all engines: what a backup is asked for with, and what comes back. */
import type { Sidecar, SourceSpec } from "@holdfast/protocol";
import type { ChainPolicy, BackupRequest as TypeRequest } from "../repository/due.ts";
import type { Repository } from "../repository/marker.ts";

/** What encrypts the backups of one repository. Passphrases are text bytes; `mapKey` has 32 bytes. */
export type EngineKey = {
  keyId: string;
  passphrase: Uint8Array;
  mapKey: Uint8Array;
  recoveryKeyId: string;
  recoveryPassphrase: Uint8Array;
};

export type ImageOptions = {
  compression: "none" | "zstd";
  /** 64 KiB unless given; 1 MiB packs archive fulls better and makes restores slower. Increments always have 64 KiB. */
  clusterSize?: 65_536 | 1_048_576;
  /** null: not encrypted. */
  key: EngineKey | null;
};

export type BackupRequest = {
  repository: Repository;
  item: { vmContextId: string; vmName: string; disks: { diskId: number; spec: SourceSpec }[] };
  /** `auto`: an increment when one is possible and no full is due. */
  type: TypeRequest;
  policy: ChainPolicy;
  image: ImageOptions;
  /** Bytes a second, for reading and for writing alike. */
  speedLimit?: number;
  tags?: Record<string, string>;
  policyId?: string;
  /** The ids that are wished for, by disk; one that is taken gets a suffix. Default: made from name, disk and time. */
  backupIds?: Readonly<Record<number, string>>;
};

/** `done` and `total` in bytes; `total` is what is known so far and may grow. */
export type BackupProgress = { diskId: number; phase: "scan" | "copy" | "finish"; done: number; total: number };

export type BackupContext = {
  /** Folders that sources must lie inside, and NBD servers that may be read; from the host's own configuration. */
  roots: readonly string[];
  nbdServers: readonly string[];
  signal?: AbortSignal | undefined;
  now: () => Date;
  warn: (sentence: string) => void;
  onProgress?: ((progress: BackupProgress) => void) | undefined;
};

export type BackupOutcome = { restorePointId: string; backups: Sidecar[]; warnings: string[] };

/** Makes one restore point of an item, or throws a HoldfastError and leaves the repository as it was. */
export type BackupItem = (request: BackupRequest, context: BackupContext) => Promise<BackupOutcome>;
