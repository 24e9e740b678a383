/** Verifies or drills what a policy wants proven of an item: of each disk one backup. */
import { isDeepStrictEqual } from "node:util";
import { asHoldfastError, type HoldfastError } from "../../errors.ts";
import { readDisk } from "../../repository/catalogue.ts";
import { readAllEvidence } from "../../repository/evidence.ts";
import { openRepository } from "../../repository/marker.ts";
import { listDisks } from "../../repository/scan.ts";
import type { ItemRuns } from "../../runner/context.ts";
import { readLedger } from "../../runner/ledger.ts";
import { drillTarget, verifyTarget } from "../../runner/prove-target.ts";
import { readingKey } from "../../runner/repository-keys.ts";
import type { Target } from "../../runner/target.ts";
import type { Job } from "../../schedule/job.ts";
import type { ServiceHost } from "../service-host.ts";
import { itemOf, openedOrFailed } from "./before-run.ts";
import { wantedBackup } from "./wanted-backup.ts";

/** One that cannot be proven does not keep the others from it; then throws what the first one threw. */
export async function prove(host: ServiceHost, runs: ItemRuns, job: Job): Promise<"done" | "nothing"> {
  const { repository_id: repositoryId } = itemOf(host, job);
  const kind = job.task === "drill" ? "drill" : "verify";
  const { targets, options } = await openedOrFailed(host, runs, { kind, repositoryId }, async () => {
    const entry = host.protected().repositories.find(({ repository_id }) => repository_id === repositoryId);
    const repository = await openRepository(entry?.path ?? "", repositoryId);
    const keys = await readingKey(runs.rules.state_dir, repository);
    return { targets: await targetsIn(repository, job), options: { keys } };
  });
  if (targets.length === 0) return "nothing";
  const done = await provenBefore(runs, kind);
  let failure: HoldfastError | undefined;
  for (const target of targets) {
    if (done.has(target.backupId)) continue;
    const work = job.task === "drill" ? drillTarget : verifyTarget;
    await work(runs, target, options).catch((error: unknown) => {
      failure ??= asHoldfastError(error, `${kind} of ${target.backupId}`);
    });
    runs.signal.throwIfAborted();
  }
  if (failure !== undefined) throw failure;
  return "done";
}

async function targetsIn(repository: Target["repository"], { item, task, plan }: Job): Promise<Target[]> {
  const refs = (await listDisks(repository.path)).disks.filter(({ vmContextId }) => vmContextId === item);
  const targets: Target[] = [];
  for (const ref of refs) {
    const disk = await readDisk(repository, ref);
    const evidence = plan.which === "stalest" ? await readAllEvidence(disk) : new Map();
    const wanted = wantedBackup(disk, evidence, { task, which: plan.which });
    if (wanted !== undefined) targets.push({ repository, disk, backupId: wanted });
  }
  return targets;
}

/** What was proven for the same due before: by an earlier attempt, or before the agent was stopped. */
async function provenBefore({ ledger, scheduled }: ItemRuns, kind: string): Promise<Set<string | null>> {
  if (scheduled === undefined) return new Set();
  const same = { ...scheduled, attempt: 0, since: null };
  const { runs } = await readLedger(ledger);
  const before = runs.filter(
    (run) =>
      run.kind === kind &&
      run.state === "completed" &&
      isDeepStrictEqual({ ...run.scheduled, attempt: 0, since: null }, same),
  );
  return new Set(before.map(({ subject }) => subject));
}
