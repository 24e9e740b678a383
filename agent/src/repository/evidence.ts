/** What is known about one backup beyond that it was made: verifications, drills, and whether it is pinned. */
import { join } from "node:path";
import { backupId, canonicalDigest, type Drill, drill, type Verification, verification } from "@holdfast/protocol";
import { z } from "zod";
import { writeDurably } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups } from "./catalogue.ts";
import { damaged, entryAt, explained, isMissing, jsonText, readJsonFile } from "./files.ts";
import { checkedBackupId, EVIDENCE_LOCK_FILE, proofPath, sidecarPath } from "./layout.ts";
import { acquireLockWithin } from "./lock.ts";

/** So many results of each kind are kept, the newest. */
export const KEPT_RESULTS = 50;
const LOCK_WAIT_MS = 10_000;

const evidence = z.object({
  schema: z.literal("holdfast.evidence/1"),
  backup_id: backupId,
  /** Newest first, by the order in which they were added. */
  verifications: z.array(verification).max(KEPT_RESULTS),
  drills: z.array(drill).max(KEPT_RESULTS),
  pinned: z.object({ reason: z.string().max(2000), at: z.iso.datetime() }).optional(),
});
export type Evidence = z.infer<typeof evidence>;

/** The evidence of many backups; `unreadable` may hide a pin, so nothing may be decided against it. */
export type EvidenceOf = ReadonlyMap<string, Evidence | "unreadable">;

/** A result that says something about the backup's content. */
export type Proof = { kind: "verification" | "drill"; id: string; verdict: "passed" | "failed"; at: string };

/** The evidence of a backup, empty when there is none yet. REPOSITORY_DAMAGED when its file was changed or rotted. */
export async function readEvidence(folder: string, id: string): Promise<Evidence> {
  const path = proofPath(folder, id);
  return await explained(`reading ${path}`, async () => {
    const value = await readJsonFile(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (value === undefined) return { schema: "holdfast.evidence/1", backup_id: id, verifications: [], drills: [] };
    const parsed = evidence.safeParse(value);
    if (!parsed.success) throw damaged(path, "is not a record of evidence", parsed.error);
    if ((value as { digest?: unknown }).digest !== canonicalDigest(value as object))
      throw damaged(path, "does not match its own digest: it was changed or it rotted");
    if (parsed.data.backup_id !== id) throw damaged(path, `speaks about another backup (${parsed.data.backup_id})`);
    return parsed.data;
  });
}

/** The evidence of every backup in the disk's chains. */
export async function readAllEvidence(disk: CatalogueDisk): Promise<EvidenceOf> {
  const all = new Map<string, Evidence | "unreadable">();
  for (const { backup_id: id } of placedBackups(disk)) {
    const read = await readEvidence(disk.folder, id).catch((error: unknown) => {
      if (error instanceof HoldfastError && error.code === "REPOSITORY_DAMAGED") return "unreadable" as const;
      throw error;
    });
    all.set(id, read);
  }
  return all;
}

type Warn = (sentence: string) => void;

/**
 * Adds a verification's result; the same verification_id again replaces it. A damaged record is begun anew, with a pin
 * and a warning. NOT_FOUND when the backup is gone.
 */
export async function addVerification(folder: string, result: Verification, warn?: Warn): Promise<Evidence> {
  const add = (before: Evidence): Evidence => ({
    ...before,
    verifications: newestFirst(result, before.verifications, (one) => one.verification_id),
  });
  return await change(folder, result.backup_id, add, warn);
}

/** Adds a drill's result; the same drill_id again replaces it. Else as `addVerification`. */
export async function addDrill(folder: string, result: Drill, warn?: Warn): Promise<Evidence> {
  const add = (before: Evidence): Evidence => ({
    ...before,
    drills: newestFirst(result, before.drills, (one) => one.drill_id),
  });
  return await change(folder, result.backup_id, add, warn);
}

/** Keeps a backup from removal until it is unpinned. NOT_FOUND when the backup is gone. */
export async function pin(folder: string, id: string, reason: string, at: Date): Promise<Evidence> {
  return await change(folder, id, (before) => ({ ...before, pinned: { reason, at: at.toISOString() } }));
}

/** Takes a pin away; fine when there is none. NOT_FOUND when the backup is gone. */
export async function unpin(folder: string, id: string): Promise<Evidence> {
  return await change(folder, id, ({ pinned: _pinned, ...before }) => before);
}

/** The newest result that says something: a failed check of any part, a passed check of the content, a drill. */
export function latestProof(of: Pick<Evidence, "verifications" | "drills">): Proof | undefined {
  const verified = latestVerdict(of);
  const drilled = latestDrill(of);
  if (verified === undefined || drilled === undefined) return verified ?? drilled;
  if (verified.at === drilled.at) return verified.verdict === "failed" ? verified : drilled;
  return verified.at > drilled.at ? verified : drilled;
}

/** The newest verification that decides; `error` and `skipped` prove nothing, a passed structure no content. */
export function latestVerdict({ verifications }: Pick<Evidence, "verifications">): Proof | undefined {
  for (const { status, parts, verification_id: id, verified_at: at } of verifications) {
    if (status === "failed" || (status === "passed" && parts.includes("content")))
      return { kind: "verification", id, verdict: status, at };
  }
  return undefined;
}

/** The newest drill that decides; `inconclusive` and `skipped` prove nothing. */
export function latestDrill({ drills }: Pick<Evidence, "drills">): Proof | undefined {
  for (const { status, drill_id: id, drilled_at: at } of drills)
    if (status === "passed" || status === "failed") return { kind: "drill", id, verdict: status, at };
  return undefined;
}

/** Runs `work` while no one else changes evidence in this folder; waits up to 10 s for it, then BUSY. */
export async function withEvidenceLock<T>(folder: string, purpose: string, work: () => Promise<T>): Promise<T> {
  const lock = await acquireLockWithin(join(folder, EVIDENCE_LOCK_FILE), purpose, LOCK_WAIT_MS);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function change(
  folder: string,
  id: string,
  to: (before: Evidence) => Evidence,
  warn: Warn = () => undefined,
): Promise<Evidence> {
  checkedBackupId(id);
  return await explained(`recording evidence about ${id}`, () =>
    withEvidenceLock(folder, `evidence about ${id}`, async () => {
      // Without this, a result that comes in late would leave a file behind for a backup that was removed.
      if ((await entryAt(sidecarPath(folder, id))) === undefined)
        throw new HoldfastError("NOT_FOUND", { message: `${id} is not in ${folder} (any more)` });
      const parsed = evidence.safeParse(to(await readOrBegin(folder, id, warn)));
      if (!parsed.success)
        throw new HoldfastError("INTERNAL", {
          message: `this is no evidence about ${id}`,
          details: z.prettifyError(parsed.error),
        });
      const sealed = { ...parsed.data, digest: canonicalDigest(parsed.data) };
      await writeDurably(proofPath(folder, id), jsonText(sealed));
      return parsed.data;
    }),
  );
}

const LOST_RECORD = "the record about this backup was damaged, and may have pinned it";

/** The evidence, or a new record in the place of a damaged one: a result must not be lost with those before it. */
async function readOrBegin(folder: string, id: string, warn: Warn): Promise<Evidence> {
  try {
    return await readEvidence(folder, id);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "REPOSITORY_DAMAGED") throw error;
    const unpin = `\`holdfast-agent repository unpin ${id}\` ends that`;
    warn(`${error.message}, so it was begun anew. Whether it held a pin cannot be known: there is one now; ${unpin}`);
    const pinned = { reason: LOST_RECORD, at: new Date().toISOString() };
    return { schema: "holdfast.evidence/1", backup_id: id, verifications: [], drills: [], pinned };
  }
}

function newestFirst<T>(added: T, before: readonly T[], idOf: (one: T) => string): T[] {
  return [added, ...before.filter((one) => idOf(one) !== idOf(added))].slice(0, KEPT_RESULTS);
}
