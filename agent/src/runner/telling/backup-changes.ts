/** What is new about one stored backup since the controller was last told of it (pure). */
import type { AnyEvent, Sidecar } from "@holdfast/protocol";
import { z } from "zod";
import type { Evidence } from "../../repository/evidence.ts";
import type { RunningRecord } from "../run-record.ts";

/** What was told of a backup: its sidecar's digest, the reason of its pin, and the ids of its proofs. */
export const toldBackup = z.object({ digest: z.string(), pinned: z.string().nullable(), proofs: z.array(z.string()) });
export type ToldBackup = z.infer<typeof toldBackup>;

export type StoredBackup = {
  sidecar: Sidecar;
  filePath: string;
  /** null: its file cannot be read, so that nothing new is known. */
  evidence: Evidence | null;
};

export type TellingOf = {
  /** What is found was done by this run, as far as it is of its kind and its time. */
  run: Pick<RunningRecord, "run_id" | "kind" | "started_at"> | null;
  /** Everything once more. */
  again: boolean;
  now: Date;
};

/** The events in the order in which the facts came to be, and the state to remember; no event when nothing is new. */
export function backupChanges(
  { sidecar, filePath, evidence }: StoredBackup,
  before: ToldBackup | undefined,
  telling: TellingOf,
): { events: AnyEvent[]; state: ToldBackup } {
  const { repository_id, backup_id } = sidecar;
  const isNew = telling.again || before?.digest !== sidecar.digest;
  const pinned = evidence === null ? (before?.pinned ?? null) : (evidence.pinned?.reason ?? null);
  const events: AnyEvent[] = [];
  if (isNew) {
    const run_id = runOf(telling, "backup", sidecar.started_at);
    const body = { repository_id, run_id, told_again: telling.again, file_path: filePath, sidecar };
    events.push({ kind: "backup_recorded", body: { ...body, pinned: pinned !== null } });
  }
  if (evidence !== null) events.push(...proofs(evidence, repository_id, before, telling));
  // A backup that was just recorded as not pinned needs no word on that.
  if (isNew ? pinned !== null : pinned !== before?.pinned) {
    const at = evidence?.pinned?.at ?? telling.now.toISOString();
    const body = { repository_id, backup_id, pinned: pinned !== null, reason: pinned ?? "", at };
    events.push({ kind: "backup_pinned", body });
  }
  const ids = evidence === null ? (before?.proofs ?? []) : proofIds(evidence);
  return { events, state: { digest: sidecar.digest, pinned, proofs: ids } };
}

function proofIds({ verifications, drills }: Evidence): string[] {
  return [...verifications.map((one) => one.verification_id), ...drills.map((one) => one.drill_id)];
}

function proofs(
  { verifications, drills }: Evidence,
  repository_id: string,
  before: ToldBackup | undefined,
  telling: TellingOf,
): AnyEvent[] {
  const isNew = (id: string): boolean => telling.again || before === undefined || !before.proofs.includes(id);
  const placed = (kind: "verify" | "drill", startedAt: string) => {
    return { repository_id, run_id: runOf(telling, kind, startedAt), told_again: telling.again };
  };
  // The evidence has the newest first.
  const verified = verifications.toReversed().filter((one) => isNew(one.verification_id));
  const drilled = drills.toReversed().filter((one) => isNew(one.drill_id));
  return [
    ...verified.map((verification): AnyEvent => {
      return { kind: "verification_recorded", body: { ...placed("verify", verification.started_at), verification } };
    }),
    ...drilled.map((drill): AnyEvent => {
      return { kind: "drill_recorded", body: { ...placed("drill", drill.started_at), drill } };
    }),
  ];
}

/** What is older than the run, or of another kind, is something else's that was never told. */
function runOf({ run }: TellingOf, kind: RunningRecord["kind"], startedAt: string): string | null {
  return run !== null && run.kind === kind && startedAt >= run.started_at ? run.run_id : null;
}
