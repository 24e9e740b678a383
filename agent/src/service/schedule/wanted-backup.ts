import type { TaskName, TaskPlan } from "@holdfast/protocol";
import { type CatalogueDisk, newestPoint, placedBackups } from "../../repository/catalogue.ts";
import type { EvidenceOf } from "../../repository/evidence.ts";

/**
 * The backup of a disk that is proven next: the newest, or of those whose last proof of this kind, whatever came of it,
 * is oldest the oldest. undefined when there is none.
 */
export function wantedBackup(
  disk: Pick<CatalogueDisk, "chains">,
  evidence: EvidenceOf,
  { task, which }: Pick<TaskPlan, "which"> & { task: TaskName },
): string | undefined {
  if (which === "newest") return newestPoint(disk)?.backup_id;
  const known = placedBackups(disk).map(({ backup_id: id }) => ({ id, at: lastProof(evidence.get(id), task) }));
  return known.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))[0]?.id;
}

/** "" before the first; a record that cannot be read is begun anew by the next proof. */
function lastProof(known: ReturnType<EvidenceOf["get"]>, task: TaskName): string {
  if (known === undefined || known === "unreadable") return "";
  return (task === "drill" ? known.drills[0]?.drilled_at : known.verifications[0]?.verified_at) ?? "";
}
