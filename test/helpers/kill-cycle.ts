/** One kill from its world to the run after it. */
import { readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { latestProof, readEvidence } from "../../agent/src/repository/evidence.ts";
import { checkShown, checkTidy, shownIds, viewOf } from "./kill-check.ts";
import { type Ended, type KillPlan, type Program, runWorker } from "./kill-child.ts";
import type { Kill } from "./kill-operations.ts";
import type { Order } from "./kill-orders.ts";
import type { Random } from "./kill-random.ts";
import { blankVerdict, type Verdict } from "./kill-verdict.ts";
import { changeDisks, copyWorld, remember, rememberPending, removeWorld, type World } from "./kill-world.ts";

export type CycleResult = { points: string[]; verdict: Verdict };

/** Kills an operation on a copy of the world, looks at what it left, and lets (or does not let) the next run end. */
export async function runCycle(template: World, folder: string, kill: Kill, random: Random): Promise<CycleResult> {
  const world = await copyWorld(template, folder);
  const { program } = kill.operation;
  const verdict = blankVerdict();
  const points: string[] = [];
  try {
    await changeDisks(world, random, 6);
    if (await killOnce(program, world, kill.operation.order(world.made), kill.plan, verdict)) points.push(kill.point);
    const next: Order = { layout: world.layout, do: "backup", type: "auto" };
    if (kill.againAt !== null) {
      await changeDisks(world, random, 3);
      const at = { step: `#${kill.againAt}`, when: random.below(2) === 0 ? "before" : "after", delayMs: 0 } as const;
      if (await killOnce(program, world, next, { victim: "agent", at }, verdict))
        points.push(`${kill.operation.name}: next run ${at.when} step ${kill.againAt}`);
    }
    // Whatever a killed run took note of, the changes after it must not be missed.
    await changeDisks(world, random, 3);
    await letTimePass(world);
    await killOnce(program, world, next, null, verdict);
    await checkTidy(world, verdict);
    return { points, verdict };
  } finally {
    await removeWorld(world);
  }
}

/** Two hours: the ledger leaves younger partials alone, because another process may be writing them. */
async function letTimePass({ folder }: World): Promise<void> {
  const ledger = join(folder, "state/runs");
  const then = Date.now() / 1000 - 7200;
  for (const name of await readdir(ledger).catch(() => []))
    if (name.endsWith(".partial")) await utimes(join(ledger, name), then, then);
}

/** Runs one order under its plan and checks what it left; true when something was killed. */
async function killOnce(
  program: Program,
  world: World,
  order: Order,
  plan: KillPlan | null,
  verdict: Verdict,
): Promise<boolean> {
  const before = await fileNames(world);
  const ended = await runWorker(program, world, order, plan);
  if (ended.orphans.length > 0) verdict.problems.push(`outlived the agent: ${ended.orphans.join(", ")}`);
  const agentDied = plan?.victim === "agent" && ended.killed;
  if (agentDied && order.do === "backup") await rememberPending(world);
  if (!agentDied) await checkEnd(world, order, ended, before, verdict);
  for (const event of ended.events)
    if (event.event === "completed") for (const { id, diskId } of event.backups) remember(world, id, diskId);
  if (order.do === "removal") await noteRemoval(world, order.backupIds, ended, verdict);
  await checkShown(world, order.do === "backup" && agentDied, verdict);
  if (order.do === "verify" || order.do === "drill") await checkEvidence(world, order.backupId, ended, verdict);
  return ended.killed;
}

/** An agent that lived must have said how it ended; when it failed, nothing of its work is left. */
async function checkEnd(world: World, order: Order, ended: Ended, before: string[], verdict: Verdict): Promise<void> {
  const last = ended.events.findLast(({ event }) => event === "end" || event === "failed");
  if (last === undefined) {
    const how = ended.hung ? "hung" : (ended.signal ?? ended.code);
    const told = JSON.stringify(ended.events);
    verdict.problems.push(`${order.do} ended without a word (${how}): ${told} ${ended.stderr}`);
    return;
  }
  for (const event of ended.events) {
    const allowed = event.event === "proven" && ["passed", ...(ended.killed ? ["error", "inconclusive"] : [])];
    if (event.event === "proven" && allowed && !allowed.includes(event.status))
      verdict.problems.push(`${order.do} of a good backup: ${event.status}, ${event.reason}`);
  }
  if (last.event !== "failed") return;
  const said = `${last.code} ${last.message} ${last.details ?? ""}`;
  if (!ended.killed) verdict.problems.push(`${order.do} failed: ${said}`);
  if (last.code === "INTERNAL") verdict.problems.push(`${order.do} failed without a clean error: ${said}`);
  const after = await fileNames(world);
  const left = after.filter((name) => !before.includes(name));
  const missing = before.filter((name) => !after.includes(name));
  if (left.length > 0) verdict.problems.push(`left by a ${order.do} that failed (${last.code}): ${left.join(", ")}`);
  if (missing.length > 0) verdict.problems.push(`missing after a ${order.do} that failed: ${missing.join(", ")}`);
}

/** Names of all files of the repository and of the temporary folders; dot files are locks. */
async function fileNames({ folder }: World): Promise<string[]> {
  const folders = ["repository", "tmp", "scratch"].map(async (name) => {
    const entries = await readdir(join(folder, name), { recursive: true });
    return entries.filter((entry) => !/(^|\/)\./.test(entry)).map((entry) => `${name}/${entry}`);
  });
  return (await Promise.all(folders)).flat().sort();
}

/** What has left the catalogue has to go, by a journal; whatever stands stays, as whole as it was. */
async function noteRemoval(world: World, ids: readonly string[], ended: Ended, verdict: Verdict): Promise<void> {
  const journal = await readFile(join(world.folder, "repository/vm-1/disk-0/removal.json"), "utf8").catch(() => "");
  const shown = shownIds(await viewOf(world));
  const hidden = ids.filter((id) => !shown.includes(id));
  const reported = ended.events.some(({ event }) => event === "removed");
  if (reported)
    verdict.doubled.push(...ids.filter((id) => shown.includes(id)).map((id) => `${id}: reported as removed`));
  if (journal === "" && hidden.length > 0 && hidden.length < ids.length)
    verdict.lost.push(...hidden.map((id) => `${id}: hidden without a journal`));
  for (const id of hidden) {
    world.doomed.set(id, world.expected.get(id) ?? "");
    world.expected.delete(id);
  }
}

/** Evidence is the old or the new one, whole; what was reported is in it. */
async function checkEvidence(world: World, backupId: string, ended: Ended, verdict: Verdict): Promise<void> {
  const evidence = await readEvidence(join(world.folder, "repository/vm-1/disk-0"), backupId);
  const ids = [
    ...evidence.verifications.map((one) => one.verification_id),
    ...evidence.drills.map((one) => one.drill_id),
  ];
  if (ids.length > 1) verdict.doubled.push(`evidence: ${ids.join(", ")}`);
  if (latestProof(evidence)?.verdict === "failed") verdict.problems.push("evidence against a good backup");
  for (const event of ended.events)
    if (event.event === "proven" && !ids.includes(event.id)) verdict.lost.push(`evidence ${event.id}`);
}
