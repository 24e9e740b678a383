/** The last looks: a restore by a person on the host, and what controller and repository say of each other. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../../cli/exit-codes.ts";
import { bytesText, countText } from "../../cli/format.ts";
import { HoldfastError } from "../../errors.ts";
import { run } from "../../exec.ts";
import { placedBackups, readDisk } from "../../repository/catalogue.ts";
import { openRepository } from "../../repository/marker.ts";
import { type SampleDisk, wrongFiles } from "../sample-disk.ts";
import type { BackupAnswer } from "./answers.ts";
import type { DemoContext } from "./context.ts";
import { agentCommand, commandError } from "./programs.ts";
import { allBackups, insist } from "./work.ts";

const RESTORE_MS = 600_000;
const PATIENCE_MS = 60_000;
const LOOK_MS = 300;

/** Restores with the agent's own command and looks as a person would: is it the disk, do its files hold what was written? */
export async function compareWithSample(context: DemoContext, backup: BackupAnswer, sample: SampleDisk): Promise<void> {
  await context.story.tell("restore", async () => {
    const restored = join(context.place.work, "restored.raw");
    await restore(context, backup, restored);
    const isSame = await isSameDisk(restored, sample.path, context.signal);
    insist(isSame ? "passed" : "failed", "the restored disk differs from the one that was backed up");
    const wrong = await wrongFiles(restored, sample.files);
    insist(wrong.length === 0 ? "passed" : "failed", `these files differ after the restore: ${wrong.join(", ")}`);
    await rm(restored);
    const what = `equals the disk for qemu-img compare, its ${countText(sample.files.length, "file")} read as written`;
    return { value: undefined, what, size: bytesText(sample.size), result: "passed" };
  });
}

/** By another program than ours. */
async function isSameDisk(one: string, other: string, signal: AbortSignal): Promise<boolean> {
  const args = ["compare", "-q", "-f", "raw", "-F", "raw", one, other];
  return (await run("qemu-img", args, { timeoutMs: RESTORE_MS, okCodes: [0, 1], signal })).code === 0;
}

async function restore({ place, signal }: DemoContext, { backup_id }: BackupAnswer, to: string): Promise<void> {
  const args = ["restore", backup_id, "--to", to, "--overwrite", "--no-compare", "--repository", place.repository];
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(LOOK_MS, undefined, { signal })) {
    const result = await agentCommand(place, args, { signal, timeoutMs: RESTORE_MS });
    if (result.code === EXIT.ok) return;
    const { error } = commandError("restoring by hand", result);
    if (result.code !== EXIT.busy || performance.now() > until) throw error;
  }
}

/** What is the same on both sides, as the API tells it. */
export type Agreement = { backups: BackupAnswer[] };

/**
 * Waits until all is told, then compares: what the controller calls completed is what lies in the repository, each once
 * and with the same digest. REPOSITORY_DAMAGED with the differences.
 */
export async function agree(context: DemoContext): Promise<Agreement> {
  return await context.story.tell("agree", async () => {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const [known, lies] = [await allBackups(context), await inRepository(context)];
      const completed = known.filter(({ status }) => status === "completed");
      const open = known.filter(({ status }) => status === "pending" || status === "running");
      const told = completed.map((one) => `${one.backup_id} ${one.checksum?.hash_map}`).sort();
      const differences = [...onlyIn(told, lies, "only the controller"), ...onlyIn(lies, told, "only the repository")];
      differences.push(...open.map((one) => `${one.backup_id} is ${one.status}`));
      if (differences.length === 0) {
        const what = `controller and repository name the same ${countText(lies.length, "backup")}, digests equal`;
        return { value: { backups: known }, what, size: "-", result: "passed" };
      }
      if (performance.now() > until) throw disagreement(differences);
      await sleep(LOOK_MS, undefined, { signal: context.signal });
    }
  });
}

/** Each backup that lies there, with the digest of its hash map. */
export async function inRepository({ place, item }: Pick<DemoContext, "place" | "item">): Promise<string[]> {
  const repository = await openRepository(place.repository);
  const disk = await readDisk(repository, { vmContextId: item.vmContextId, diskId: 0 });
  return placedBackups(disk)
    .map(({ backup_id, hash_map }) => `${backup_id} ${hash_map.sha256}`)
    .sort();
}

function onlyIn(these: readonly string[], others: readonly string[], who: string): string[] {
  const twice = these.filter((one, index) => these.indexOf(one) !== index);
  const alone = these.filter((one) => !others.includes(one));
  return [...alone.map((one) => `${who} has ${one}`), ...twice.map((one) => `twice: ${one}`)];
}

function disagreement(differences: string[]): HoldfastError {
  return new HoldfastError("REPOSITORY_DAMAGED", {
    message: "controller and repository do not agree",
    details: differences.join("\n"),
  });
}
