/** Whether the next backup of a disk is a full or an increment (pure). */
import type { BackupType } from "@holdfast/protocol";
import type { Chain } from "./chains.ts";

export type BackupRequest = "full" | "incremental" | "auto";

/**
 * Either limit starts a new chain: the age of the full in days, the number of backups in the chain (100 unless it is set).
 * Each backup more is one more file that all later ones need, and no chain without an end ever gives up space.
 */
export type ChainPolicy = { fullEveryDays?: number; maxChainLength?: number };

export type DueReason =
  | "first-backup"
  | "asked-for"
  | "chain-closed"
  | "size-changed"
  | "parent-unusable"
  | "chain-length"
  | "full-every"
  | "clock-went-back"
  | "continues-chain";

export type Decision = { type: BackupType; reason: { code: DueReason; text: string } };

export type Situation = {
  /** The current chain of the disk; undefined before its first backup. */
  chain: Chain | undefined;
  request: BackupRequest;
  /** Bytes, now. */
  diskSize: number;
  policy: ChainPolicy;
  now: Date;
  /** Whether the newest backup's image and map can carry an increment; `parentProblem` says why not. */
  parentUsable: boolean;
  parentProblem?: string | undefined;
  /** What speaks against continuing the chain, though not enough. */
  caution?: string | undefined;
};

const DEFAULT_CHAIN_LENGTH = 100;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Decides, and says why in a sentence that goes into the sidecar. The first rule that wants a full has the word. */
export function decideType(situation: Situation): Decision {
  const { chain } = situation;
  const tip = chain?.backups.at(-1);
  if (chain === undefined || tip === undefined) return full("first-backup", "first backup of this disk", situation);
  if (situation.request === "full") return full("asked-for", "a full was asked for", situation);
  if (chain.closed) return full("chain-closed", `the chain of ${chain.fullBackupId} is closed`, situation);
  if (tip.total_bytes !== situation.diskSize) {
    const change = situation.diskSize > tip.total_bytes ? "grew" : "shrank";
    const text = `the disk ${change} from ${tip.total_bytes} to ${situation.diskSize} bytes: a new chain starts`;
    return full("size-changed", text, situation);
  }
  if (!situation.parentUsable) {
    const why = situation.parentProblem ?? "its files cannot carry an increment";
    return full("parent-unusable", `${tip.backup_id} is not usable as a parent: ${why}`, situation);
  }
  return fullByPolicy(chain, situation) ?? continues(tip.backup_id, situation);
}

function fullByPolicy(chain: Chain, situation: Situation): Decision | undefined {
  const { fullEveryDays, maxChainLength = DEFAULT_CHAIN_LENGTH } = situation.policy;
  const length = chain.backups.length;
  if (length >= maxChainLength)
    return full("chain-length", `the chain has ${length} backups, ${maxChainLength} are allowed`, situation);
  const made = Date.parse(chain.backups[0]?.created_at ?? "");
  const age = situation.now.getTime() - made;
  if (fullEveryDays === undefined) return undefined;
  if (age < -HOUR_MS)
    return full("clock-went-back", "the chain's full is dated in the future, so its age is unknown", situation);
  // An hour of slack: a daily run that starts some seconds earlier than last week's must not slip by a day.
  if (!(age < fullEveryDays * DAY_MS - HOUR_MS)) {
    const days = Math.floor(age / DAY_MS);
    return full("full-every", `the chain's full is ${days} days old, one is due every ${fullEveryDays}`, situation);
  }
  return undefined;
}

function full(code: DueReason, text: string, { request }: Situation): Decision {
  const instead = request === "incremental" ? "; a full instead of the increment that was asked for" : "";
  return { type: "full", reason: { code, text: `${text}${instead}` } };
}

function continues(parent: string, { request, caution }: Situation): Decision {
  const asked = request === "incremental" ? "an increment was asked for" : "no full is due";
  const text = `${asked}: continues from ${parent}${caution === undefined ? "" : `, though ${caution}`}`;
  return { type: "incremental", reason: { code: "continues-chain", text } };
}
