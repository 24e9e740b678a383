import type { Db } from "../../store/db.ts";
import { type ItemKey, later, NO_PROOF, type ProofEnds, proofEndsOf } from "../backups/proof-ends.ts";

/** When it last passed; `doubted`: the last that said anything said that it is bad. */
export type ProofTimes = { verifiedAt: Date | null; drilledAt: Date | null; doubted: boolean };

export async function proofTimesOf(db: Db, item: ItemKey): Promise<(backupId: string) => ProofTimes> {
  const { verified, drilled } = await proofEndsOf(db, item);
  return (backupId) => {
    const [verification = NO_PROOF, drill = NO_PROOF] = [verified.get(backupId), drilled.get(backupId)];
    return {
      verifiedAt: passedAt(verification),
      drilledAt: passedAt(drill),
      doubted: isBad(verification) || isBad(drill),
    };
  };
}

/** Through the page cache is enough here, as it is for a host that cannot read otherwise. */
function passedAt({ passed, cached }: ProofEnds): Date | null {
  return later(passed, cached);
}

function isBad(ends: ProofEnds): boolean {
  const passed = passedAt(ends);
  return ends.failed !== null && (passed === null || ends.failed > passed);
}
