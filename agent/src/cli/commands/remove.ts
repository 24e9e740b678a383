/** `holdfast-agent repository delete|pin|unpin`. */
import type { Finding } from "@holdfast/protocol";
import type { CatalogueDisk } from "../../repository/catalogue.ts";
import { pin as pinBackup, readAllEvidence, unpin as unpinBackup } from "../../repository/evidence.ts";
import { planRemoval, refuseUnlessAllowed } from "../../repository/remove.ts";
import type { ItemRuns } from "../../runner/context.ts";
import { withItem } from "../../runner/item-lock.ts";
import { floorOf, removeBackups } from "../../runner/remove-backups.ts";
import type { Target } from "../../runner/target.ts";
import type { Answer } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { findTarget } from "../targets.ts";
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
    const context = await runContext(host);
    const gone: string[] = [];
    const findings: Finding[] = [];
    for (const { target, ids } of batches) {
      const purpose = `removal of ${ids.join(", ").slice(0, 4000)}`;
      const work = (runs: ItemRuns) => removeBackups(runs, target, ids);
      const result = await withItem(context, target.disk.disk.vmContextId, purpose, work);
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
    const { pinned } = await changePin(host, id, options, ({ folder }) =>
      pinBackup(folder, id, options.reason, host.now()),
    );
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
    await changePin(host, id, options, ({ folder }) => unpinBackup(folder, id));
    return {
      document: { backup_id: id, pinned: null, warnings: host.warnings },
      text: () => `${id} is not pinned any more.`,
      exitCode: EXIT.ok,
    };
  });
}

async function changePin<T>(
  host: Host,
  id: string,
  options: { repository?: string },
  change: (disk: CatalogueDisk) => Promise<T>,
): Promise<T> {
  const { repository, disk } = await findTarget(host, id, options.repository);
  const telling = await host.telling();
  return await telling.around({ repository, vmContextId: disk.disk.vmContextId }, () => change(disk));
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
  return planRemoval({ disk, evidence, ids, floor: floorOf(host.config), now: host.now() });
}

function removed(host: Host, document: object, lines: string[], findings: readonly Finding[]): Answer {
  return {
    document: { ...document, warnings: host.warnings },
    text: () => [...lines, ...findingLines(findings)].join("\n"),
    exitCode: findings.length > 0 ? EXIT.failed : EXIT.ok,
  };
}
