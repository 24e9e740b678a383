/** What is known about one protected disk, in one word and three moments (pure). */
import type { Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, newestPoint, placedBackups } from "../repository/catalogue.ts";
import { type Evidence, type EvidenceOf, latestDrill, latestProof, latestVerdict } from "../repository/evidence.ts";

/**
 * `none`: no backup. `damaged`: the newest proof of the newest backup failed, or it cannot be restored as it stands.
 * `drilled`, `verified`: what the newest backup passed. `made`: not yet proven, but an older one is. `unproven`: none
 * of them ever was.
 */
export type ItemState = "none" | "damaged" | "drilled" | "verified" | "made" | "unproven";

export type DiskState = {
  state: ItemState;
  newest_backup: { backup_id: string; completed_at: string } | null;
  newest_verified: { backup_id: string; verified_at: string } | null;
  newest_drilled: { backup_id: string; drilled_at: string; restore_seconds: number | null } | null;
};

/** Newest first in time of the backup, not of the proof. */
export function diskState(disk: CatalogueDisk, evidence: EvidenceOf): DiskState {
  const known = placedBackups(disk)
    .toReversed()
    .map((backup) => ({ backup, facts: readable(evidence, backup) }));
  const newest = newestPoint(disk);
  const verified = known.find(({ facts }) => facts !== undefined && latestVerdict(facts)?.verdict === "passed");
  const drilled = known.find(({ facts }) => facts !== undefined && latestDrill(facts)?.verdict === "passed");
  return {
    state:
      newest === undefined
        ? stateOfNothing(disk)
        : stateOf(disk, newest, readable(evidence, newest), verified ?? drilled),
    newest_backup: newest === undefined ? null : { backup_id: newest.backup_id, completed_at: newest.completed_at },
    newest_verified: verified?.facts
      ? { backup_id: verified.backup.backup_id, verified_at: latestVerdict(verified.facts)?.at ?? "" }
      : null,
    newest_drilled: drilled?.facts ? drilledFacts(drilled.backup, drilled.facts) : null,
  };
}

function stateOfNothing({ findings }: CatalogueDisk): ItemState {
  return findings.length > 0 ? "damaged" : "none";
}

function stateOf(
  disk: CatalogueDisk,
  newest: Sidecar,
  facts: Evidence | undefined,
  anyProven: object | undefined,
): ItemState {
  // A sidecar that cannot be read may be that of a newer backup than any that is known.
  if (disk.findings.some(({ code }) => code === "SIDECAR_DAMAGED")) return "damaged";
  if (disk.unsound.includes(newest.backup_id)) return "damaged";
  if (facts !== undefined && latestProof(facts)?.verdict === "failed") return "damaged";
  if (facts !== undefined && latestDrill(facts)?.verdict === "passed") return "drilled";
  if (facts !== undefined && latestVerdict(facts)?.verdict === "passed") return "verified";
  return anyProven === undefined ? "unproven" : "made";
}

function drilledFacts(backup: Sidecar, { drills }: Evidence): DiskState["newest_drilled"] {
  const passed = drills.find(({ status }) => status === "passed");
  return {
    backup_id: backup.backup_id,
    drilled_at: passed?.drilled_at ?? "",
    restore_seconds: passed?.restore_seconds ?? null,
  };
}

function readable(evidence: EvidenceOf, { backup_id }: Sidecar): Evidence | undefined {
  const found = evidence.get(backup_id);
  return found === "unreadable" ? undefined : found;
}
