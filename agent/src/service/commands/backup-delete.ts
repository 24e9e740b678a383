import { readAllEvidence } from "../../repository/evidence.ts";
import { planRemoval, refuseUnlessAllowed } from "../../repository/remove.ts";
import { floorOf, removeBackups } from "../../runner/remove-backups.ts";
import type { Target } from "../../runner/target.ts";
import { rulesOf } from "../service-host.ts";
import { findTarget, protectedRepository } from "./find-target.ts";
import type { Handler } from "./task.ts";

/** Exactly these backups, and only when the floor of this host lets all of them go. */
export const backupDelete: Handler<"backup.delete"> = async ({ repository_id, backup_ids }, { host, onItem }) => {
  const repository = await protectedRepository(host, repository_id);
  const batches = new Map<string, { target: Target; ids: string[] }>();
  for (const id of new Set(backup_ids)) {
    const target = await findTarget(repository, id);
    const batch = batches.get(target.disk.folder) ?? { target, ids: [] };
    batches.set(target.disk.folder, { ...batch, ids: [...batch.ids, id] });
  }
  const now = host.now();
  for (const { target, ids } of batches.values()) {
    const evidence = await readAllEvidence(target.disk);
    refuseUnlessAllowed(planRemoval({ disk: target.disk, evidence, ids, floor: floorOf(rulesOf(host)), now }));
  }
  const removed: string[] = [];
  const failures: string[] = [];
  for (const { target, ids } of batches.values()) {
    const { vmContextId } = target.disk.disk;
    const purpose = `removal of ${ids.join(", ").slice(0, 4000)}`;
    const result = await onItem(vmContextId, purpose, (runs) => removeBackups(runs, target, ids));
    removed.push(...result.removed);
    failures.push(...result.findings.map(({ message }) => message));
  }
  const summary = [`removed ${removed.join(", ") || "nothing"}`, ...failures].join("; ");
  return { summary: summary.slice(0, 4000), backup_ids: removed };
};
