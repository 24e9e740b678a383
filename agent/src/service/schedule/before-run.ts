import type { RunKind } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import type { ItemRuns } from "../../runner/context.ts";
import { beginRun, newRun, writeRun } from "../../runner/ledger.ts";
import { finishedEvent, startedEvent } from "../../runner/telling/run-events.ts";
import type { Job } from "../../schedule/job.ts";
import type { ProtectedItem } from "../policy/protect.ts";
import type { ServiceHost } from "../service-host.ts";

/** The item, as this host protects it now. NOT_FOUND when it no longer does. */
export function itemOf(host: ServiceHost, { item }: Pick<Job, "item">): ProtectedItem {
  const found = host.protected().items.find(({ vm_context_id }) => vm_context_id === item);
  if (found !== undefined) return found;
  throw new HoldfastError("NOT_FOUND", { message: `this host protects no item ${item} any more` });
}

type About = { kind: RunKind; repositoryId: string };

/**
 * What a run needs before it can begin. When that cannot be had (the repository is not mounted, say), it is a failed run
 * all the same, because nobody would learn of it otherwise; then throws what `open` throws.
 */
export async function openedOrFailed<T>(
  host: ServiceHost,
  runs: ItemRuns,
  about: About,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!runs.signal.aborted) await recordFailure(host, runs, about, asHoldfastError(error, `opening ${about.kind}`));
    throw error;
  }
}

/** It has changed nothing, so there is nothing to look for in a repository that cannot be looked at. */
async function recordFailure(
  { spool }: ServiceHost,
  { ledger, item, now, scheduled, onRun }: ItemRuns,
  about: About,
  { code, message, remedy }: HoldfastError,
): Promise<void> {
  const running = newRun({ ...about, item, scheduled }, now());
  const error = { code, message: message.slice(0, 4000), remedy: remedy?.slice(0, 4000) ?? null };
  const failed = { ...running, state: "failed" as const, ended_at: now().toISOString(), error };
  spool.assertRoom();
  spool.append([startedEvent(running), finishedEvent(failed)]);
  await onRun?.(running);
  await beginRun(ledger, running);
  await writeRun(ledger, failed);
  await onRun?.(failed);
}
