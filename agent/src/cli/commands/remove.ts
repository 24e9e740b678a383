/** `holdfast-agent repository delete|pin|unpin`. */
import type { Finding } from "@holdfast/protocol";
import { deleteBackups } from "../../repository/delete.ts";
import { pin as pinBackup, readAllEvidence, unpin as unpinBackup } from "../../repository/evidence.ts";
import { planRemoval, refuseUnlessAllowed } from "../../repository/remove.ts";
import { withItemLock } from "../../runner/item-lock.ts";
import { recordRun } from "../../runner/record-run.ts";
import type { Answer } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { floorOf, type GlobalOptions, type Host, openRuns, withHost } from "../host.ts";
import { findTarget, type Target } from "../targets.ts";
import { findingLines } from "./repository.ts";

export type DeleteOptions = GlobalOptions & { repository?: string; dryRun?: boolean };

type Batch = { target: Target; ids: string[] };

/**
 * Removes exactly the backups named, or none of them: the floor and the chains are asked for all of them first.
 * CONFLICT names dependents, FLOOR the rule; both exit 1.
 */
export async function remove(ids: readonly string[], options: DeleteOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const batches = await byDisk(host, ids, options.repository);
    for (const batch of batches) refuseUnlessAllowed(await plan(host, batch));
    if (options.dryRun === true) {
      const would = [];
      for (const batch of batches) would.push(...(await plan(host, batch)).remove);
      return removed(host, { would_remove: would }, [`Would remove ${would.join(", ")}.`], []);
    }
    const ledger = await openRuns(host);
    const gone: string[] = [];
    const findings: Finding[] = [];
    for (const batch of batches) {
      const result = await removeBatch(host, ledger, batch);
      gone.push(...result.removed);
      findings.push(...result.findings);
    }
    return removed(host, { removed: gone, findings }, [`Removed ${gone.join(", ") || "nothing"}.`], findings);
  });
}

/** Keeps a backup from removal, whoever asks, until it is unpinned. */
export async function pin(
  id: string,
  options: GlobalOptions & { repository?: string; reason: string },
): Promise<Answer> {
  return await withHost(options, async (host) => {
    const { disk } = await findTarget(host, id, options.repository);
    const { pinned } = await pinBackup(disk.folder, id, options.reason, host.now());
    return {
      document: { backup_id: id, pinned: pinned ?? null, warnings: host.warnings },
      text: () => `Pinned ${id}: ${options.reason}`,
      exitCode: EXIT.ok,
    };
  });
}

/** Takes a pin away; fine when there is none. */
export async function unpin(id: string, options: GlobalOptions & { repository?: string }): Promise<Answer> {
  return await withHost(options, async (host) => {
    const { disk } = await findTarget(host, id, options.repository);
    await unpinBackup(disk.folder, id);
    return {
      document: { backup_id: id, pinned: null, warnings: host.warnings },
      text: () => `${id} is not pinned any more.`,
      exitCode: EXIT.ok,
    };
  });
}

async function byDisk(host: Host, ids: readonly string[], repository: string | undefined): Promise<Batch[]> {
  const batches = new Map<string, Batch>();
  for (const id of ids) {
    const target = await findTarget(host, id, repository);
    const batch = batches.get(target.disk.folder);
    if (batch === undefined) batches.set(target.disk.folder, { target, ids: [id] });
    else batch.ids.push(id);
  }
  return [...batches.values()];
}

async function plan(host: Host, { target: { disk }, ids }: Batch) {
  const evidence = await readAllEvidence(disk);
  return planRemoval({ disk, evidence, ids, floor: floorOf(host), now: host.now() });
}

async function removeBatch(host: Host, ledger: string, { target, ids }: Batch) {
  const { repository, disk } = target;
  const item = disk.disk.vmContextId;
  const subject = ids.join(", ").slice(0, 4000);
  return await withItemLock(host.config.state_dir, item, `removal of ${subject}`, () =>
    recordRun(ledger, { kind: "removal", item, subject, now: host.now }, async () => {
      const value = await deleteBackups(repository, disk.disk, ids, { floor: floorOf(host), now: host.now() });
      return { value, outcome: `removed ${value.removed.length} of ${ids.length}` };
    }),
  );
}

function removed(host: Host, document: object, lines: string[], findings: readonly Finding[]): Answer {
  return {
    document: { ...document, warnings: host.warnings },
    text: () => [...lines, ...findingLines(findings)].join("\n"),
    exitCode: findings.length > 0 ? EXIT.failed : EXIT.ok,
  };
}
