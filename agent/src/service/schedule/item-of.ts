import type { RunKind } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import type { ItemRuns } from "../../runner/context.ts";
import { recordRun } from "../../runner/record-run.ts";
import type { Job } from "../../schedule/job.ts";
import type { ProtectedItem } from "../policy/protect.ts";
import type { ServiceHost } from "../service-host.ts";

/** The item, as this host protects it now. NOT_FOUND when it no longer does. */
export function itemOf(host: ServiceHost, { item }: Pick<Job, "item">): ProtectedItem {
  const found = host.protected().items.find(({ vm_context_id }) => vm_context_id === item);
  if (found !== undefined) return found;
  throw new HoldfastError("NOT_FOUND", { message: `this host protects no item ${item} any more` });
}

/**
 * What a run needs before it can begin. When that cannot be had (the repository is not mounted, say), a run is recorded
 * all the same, so that its failure is told as one; then throws what `open` throws.
 */
export async function openedOrFailed<T>(
  host: ServiceHost,
  runs: ItemRuns,
  about: { kind: RunKind; repositoryId: string },
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const { kind, repositoryId } = about;
    const entry = host.protected().repositories.find(({ repository_id }) => repository_id === repositoryId);
    if (entry === undefined || runs.signal.aborted) throw error;
    return await recordRun(runs, { kind, repository: { repositoryId, path: entry.path } }, () => Promise.reject(error));
  }
}
