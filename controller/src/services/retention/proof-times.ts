import type { Db } from "../../store/db.ts";
import { type ItemKey, type ProofEnds, proofEndsOf } from "../backups/proof-ends.ts";

/** When it last passed; `doubted`: the last that said anything said that it is bad. */
export type ProofTimes = { verifiedAt: Date | null; drilledAt: Date | null; doubted: boolean };

export async function proofTimesOf(db: Db, item: ItemKey): Promise<(backupId: string) => ProofTimes> {
  const { verified, drilled } = await proofEndsOf(db, item);
  return (backupId) => {
    const [verification, drill] = [verified.get(backupId), drilled.get(backupId)];
    return {
      verifiedAt: verification?.passed ?? null,
      drilledAt: drill?.passed ?? null,
      doubted: isBad(verification) || isBad(drill),
    };
  };
}

function isBad(ends: ProofEnds | undefined): boolean {
  if (ends?.failed === undefined || ends.failed === null) return false;
  return ends.passed === null || ends.failed > ends.passed;
}
