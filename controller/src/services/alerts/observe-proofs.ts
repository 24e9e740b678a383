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
  const verified = await newestVerifications(db, backupIds(verifications));
  const drilled = await newestDrills(db, backupIds(drills));
  return [
    ...verifications
      .filter(({ agentId, proof }) => isNewest(verified, agentId, proof.backup_id, proof.verified_at))
      .flatMap((told) => about(told, ofVerification(told.proof, subjectOf(told).key))),
    ...drills
      .filter(({ agentId, proof }) => isNewest(drilled, agentId, proof.backup_id, proof.drilled_at))
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

/** Facts that are told again may be older than what is known. */
type Newest = { agentId: string; backupId: string; at: Date | null };

function isNewest(newest: readonly Newest[], agentId: string, backupId: string, at: string): boolean {
  const known = newest.find((one) => one.agentId === agentId && one.backupId === backupId)?.at;
  return known === undefined || known === null || known <= new Date(at);
}

async function newestVerifications(db: Db, ids: readonly string[]): Promise<Newest[]> {
  const { verifications: v } = db.tables;
  if (ids.length === 0) return [];
  return await db
    .select({ agentId: v.agentId, backupId: v.backupId, at: max(v.verifiedAt) })
    .from(v)
    .where(and(inArray(v.backupId, [...ids]), inArray(v.status, ["passed", "failed"])))
    .groupBy(v.agentId, v.backupId);
}

async function newestDrills(db: Db, ids: readonly string[]): Promise<Newest[]> {
  const { drills: d } = db.tables;
  if (ids.length === 0) return [];
  return await db
    .select({ agentId: d.agentId, backupId: d.backupId, at: max(d.drilledAt) })
    .from(d)
    .where(and(inArray(d.backupId, [...ids]), inArray(d.status, ["passed", "failed"])))
    .groupBy(d.agentId, d.backupId);
}
