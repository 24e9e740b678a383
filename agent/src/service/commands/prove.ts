import type { CommandArguments } from "@holdfast/protocol";
import type { ItemRuns } from "../../runner/context.ts";
import { drillTarget, type ProofOptions, verifyTarget } from "../../runner/prove-target.ts";
import { readingKey } from "../../runner/repository-keys.ts";
import type { Target } from "../../runner/target.ts";
import { rulesOf } from "../service-host.ts";
import { findTarget, protectedRepository } from "./find-target.ts";
import type { Handler, Task } from "./task.ts";

/** A backup that fails its proof is a result of the command, not its failure. */
export const verifyStart: Handler<"verify.start"> = async (args, task) => {
  const { verification_id, status, reason } = await prove(args, task, "verification", verifyTarget);
  return { summary: `${status}: ${reason}`.slice(0, 4000), verification_id, backup_ids: [args.backup_id] };
};

export const drillStart: Handler<"drill.start"> = async (args, task) => {
  const { drill_id, status, reason } = await prove(args, task, "drill", drillTarget);
  return { summary: `${status}: ${reason}`.slice(0, 4000), drill_id, backup_ids: [args.backup_id] };
};

async function prove<Result>(
  { repository_id, backup_id, hash_map_sha256 }: CommandArguments<"verify.start">,
  { host, onItem }: Task,
  purpose: string,
  work: (runs: ItemRuns, target: Target, options: ProofOptions) => Promise<Result>,
): Promise<Result> {
  const repository = await protectedRepository(host, repository_id);
  const { vmContextId } = (await findTarget(repository, backup_id)).disk.disk;
  return await onItem(vmContextId, `${purpose} of ${backup_id}`, async (runs) => {
    const options: ProofOptions = {
      keys: await readingKey(rulesOf(host).state_dir, repository),
      ...(hash_map_sha256 !== null && { recordedMapDigest: hash_map_sha256 }),
    };
    // Found again: what was done to the item before its turn came may have changed the disk.
    return await work(runs, await findTarget(repository, backup_id), options);
  });
}
