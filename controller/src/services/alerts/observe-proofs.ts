/** What verifications and drills say of a backup. Only passed and failed say anything; the newest of them counts. */
import { type Drill, drill, type Finding, type Verification, verification } from "@holdfast/protocol";
import { and, inArray, max } from "drizzle-orm";
import type { AlertType, Observation, Subject } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import type { SeenEvent } from "../projection/run-projection.ts";

type Told<Proof> = { agentId: string; proof: Proof };
type Statement = Pick<Observation, "type" | "state" | "message" | "evidence" | "rootKey">;

export async function observeProofs(db: Db, events: readonly SeenEvent[]): Promise<Observation[]> {
  const verifications = proofsIn(events, "verification_recorded", (body) => verification.parse(body["verification"]));
  const drills = proofsIn(events, "drill_recorded", (body) => drill.parse(body["drill"]));
  const verified = await newestVerifications(db, verifications);
  const drilled = await newestDrills(db, drills);
  return [
    ...verifications
      .filter((told) => isNewest(verified, told, told.proof.verification_id))
      .flatMap((told) => about(told, ofVerification(told.proof, subjectOf(told).key))),
    ...drills
      .filter((told) => isNewest(drilled, told, told.proof.drill_id))
      .flatMap((told) => about(told, [ofDrill(told.proof, subjectOf(told).key)])),
  ];
}

function proofsIn<Proof extends Verification | Drill>(
  events: readonly SeenEvent[],
  kind: string,
  read: (body: Record<string, unknown>) => Proof,
): Told<Proof>[] {
  const applied = events.filter((event) => event.kind === kind && event.problem === null);
  const told = applied.map(({ agentId, body }) => ({ agentId, proof: read(body) }));
  return told.filter(({ proof: { status } }) => status === "passed" || status === "failed");
}

function ofVerification(proof: Verification, rootKey: string): Statement[] {
  const { backup_id, status, verification_id } = proof;
  const evidence = { backup_id, verification_id };
  if (status === "passed") {
    const message = `the verification of ${backup_id} passed`;
    return [calm("verification_failure", message, evidence), calm("chain_broken", message, evidence)];
  }
  const message = `the verification of ${backup_id} failed: ${proof.reason}`;
  const failed = { type: "verification_failure", state: "firing", message, evidence, rootKey } as const;
  const [broken] = proof.findings.filter(breaksChain);
  if (broken === undefined) return [failed];
  const chain = `the chain of ${backup_id} is broken: ${broken.message}`;
  return [{ type: "chain_broken", state: "firing", message: chain, evidence: { ...evidence, ...broken } }, failed];
}

function ofDrill({ backup_id, drill_id, status, reason }: Drill, rootKey: string): Statement {
  const evidence = { backup_id, drill_id };
  if (status === "passed") return calm("restore_failure", `the restore drill of ${backup_id} passed`, evidence);
  const message = `the restore drill of ${backup_id} failed: ${reason}`;
  return { type: "restore_failure", state: "firing", message, evidence, rootKey };
}

/** A stale list of a chain is made anew by itself. */
function breaksChain({ code }: Finding): boolean {
  return code.startsWith("CHAIN_") && code !== "CHAIN_FILE_STALE";
}

function calm(type: AlertType, message: string, evidence: Record<string, unknown>): Statement {
  return { type, state: "ok", message, evidence };
}

/** What else is wrong with the same backup explains it. */
function about(told: Told<Verification | Drill>, statements: readonly Statement[]): Observation[] {
  return statements.map((statement) => ({ subject: subjectOf(told), ...statement }));
}

function subjectOf({ agentId, proof }: Told<Verification | Drill>): Subject {
  return { kind: "backup", key: `backup:${agentId}/${proof.backup_id}`, agentId };
}

function backupIds(told: readonly Told<Verification | Drill>[]): string[] {
  return [...new Set(told.map(({ proof }) => proof.backup_id))];
}

/** Of backups the newest, and by the proofs' ids when each was: a host's own clock may be ahead of both. */
type Newest = { backups: readonly { agentId: string; backupId: string; at: Date | null }[]; times: Map<string, Date> };

/** Facts that are told again may be older than what is known. */
function isNewest({ backups, times }: Newest, { agentId, proof }: Told<Verification | Drill>, id: string): boolean {
  const known = backups.find((one) => one.agentId === agentId && one.backupId === proof.backup_id)?.at ?? null;
  const at = times.get(id);
  return known === null || at === undefined || known <= at;
}

async function newestVerifications(db: Db, told: readonly Told<Verification>[]): Promise<Newest> {
  const { verifications: v } = db.tables;
  if (told.length === 0) return { backups: [], times: new Map() };
  const backups = await db
    .select({ agentId: v.agentId, backupId: v.backupId, at: max(v.verifiedAt) })
    .from(v)
    .where(and(inArray(v.backupId, backupIds(told)), inArray(v.status, ["passed", "failed"])))
    .groupBy(v.agentId, v.backupId);
  const ids = told.map(({ proof }) => proof.verification_id);
  const rows = await db
    .select({ id: v.verificationId, at: v.verifiedAt })
    .from(v)
    .where(inArray(v.verificationId, ids));
  return { backups, times: new Map(rows.map(({ id, at }) => [id, at])) };
}

async function newestDrills(db: Db, told: readonly Told<Drill>[]): Promise<Newest> {
  const { drills: d } = db.tables;
  if (told.length === 0) return { backups: [], times: new Map() };
  const backups = await db
    .select({ agentId: d.agentId, backupId: d.backupId, at: max(d.drilledAt) })
    .from(d)
    .where(and(inArray(d.backupId, backupIds(told)), inArray(d.status, ["passed", "failed"])))
    .groupBy(d.agentId, d.backupId);
  const ids = told.map(({ proof }) => proof.drill_id);
  const rows = await db.select({ id: d.drillId, at: d.drilledAt }).from(d).where(inArray(d.drillId, ids));
  return { backups, times: new Map(rows.map(({ id, at }) => [id, at])) };
}
