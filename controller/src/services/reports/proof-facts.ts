/** The newest verifications and restore drills of an item. */
import { and, desc, eq } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ReportScope } from "./scope.ts";

export type ProofFacts = {
  kind: "verification" | "drill";
  at: Date;
  status: string;
  backupId: string;
  reason: string;
  /** A drill's restore. */
  seconds: number | null;
};

const MOST_PROOFS = 10;

/** Newest first; none for anything but an item. */
export async function proofsOf(db: Db, scope: ReportScope): Promise<ProofFacts[]> {
  if (scope.kind !== "item") return [];
  const { verifications: v, drills: d } = db.tables;
  const checks = await db
    .select({ row: v })
    .from(v)
    .innerJoin(db.tables.backups, ofItem(db, scope, v))
    .orderBy(desc(v.verifiedAt))
    .limit(MOST_PROOFS);
  const restores = await db
    .select({ row: d })
    .from(d)
    .innerJoin(db.tables.backups, ofItem(db, scope, d))
    .orderBy(desc(d.drilledAt))
    .limit(MOST_PROOFS);
  const all: ProofFacts[] = [
    ...checks.map(({ row: { status, backupId, verifiedAt: at, body } }) => ({
      ...{ kind: "verification" as const, at, status, backupId, reason: body.reason, seconds: null },
    })),
    ...restores.map(({ row: { status, backupId, drilledAt: at, body, restoreSeconds: seconds } }) => ({
      ...{ kind: "drill" as const, at, status, backupId, reason: body.reason, seconds },
    })),
  ];
  return all.sort((one, other) => other.at.getTime() - one.at.getTime()).slice(0, MOST_PROOFS);
}

type Proofs = Db["tables"]["verifications"] | Db["tables"]["drills"];

function ofItem(db: Db, { agentId, subjectId }: ReportScope, proofs: Proofs) {
  const { backups: b } = db.tables;
  return and(
    eq(b.backupId, proofs.backupId),
    eq(b.agentId, proofs.agentId),
    eq(b.agentId, agentId ?? ""),
    eq(b.vmContextId, subjectId ?? ""),
  );
}
