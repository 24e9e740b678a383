/** What comes before the first run of a process: what earlier ones left behind. */
import { mkdir } from "node:fs/promises";
import type { ItemEntry } from "@holdfast/protocol";
import { tidyScratch } from "../drills/scratch.ts";
import { healFrozenGuests } from "../engines/qcow2/sources/qmp-quiesce.ts";
import { resolveInsideRoots } from "../engines/qcow2/sources/roots.ts";
import { asHoldfastError } from "../errors.ts";
import type { HostRules, RunContext } from "./context.ts";
import { noticeLost, openLedger } from "./ledger.ts";
import type { RunRecord } from "./run-record.ts";

type Surroundings = Pick<RunContext, "now" | "warn" | "telling" | "onRun">;

/**
 * The ledger of this host, for those who begin runs. Warns and tells of runs that were lost since the last time and of what they changed, thaws
 * guests that one of them left frozen (`items`: whose sources to look at), and clears its scratch space.
 */
export async function openRuns(
  rules: HostRules,
  items: readonly Pick<ItemEntry, "disks">[],
  { now, warn, telling, onRun }: Surroundings,
): Promise<string> {
  await mkdir(rules.state_dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw asHoldfastError(error, `making the agent's state folder ${rules.state_dir}`);
  });
  const ledger = await openLedger(rules.state_dir);
  for (const run of await noticeLost(ledger, now())) {
    warn(lostSentence(run));
    await onRun?.(run);
  }
  await telling.reconcile(ledger);
  await thawForgotten(rules.roots, items, warn);
  await tidyDrills(rules.scratch_dir, warn);
  return ledger;
}

function lostSentence({ kind, item, started_at }: RunRecord): string {
  return `the ${kind} of ${item} begun ${started_at} was lost: its process ended without a word`;
}

/** What a killed drill restored can be as large as a disk: no run leaves it to the next drill. None fails because of it. */
async function tidyDrills(scratchFolder: string, warn: RunContext["warn"]): Promise<void> {
  await tidyScratch(scratchFolder).catch((error: unknown) => {
    warn(asHoldfastError(error, "tidying the scratch folder").message);
  });
}

/** A guest that stands still is worth a look by every run, also of another item; none fails because of it. */
async function thawForgotten(
  roots: readonly string[],
  items: readonly Pick<ItemEntry, "disks">[],
  warn: RunContext["warn"],
): Promise<void> {
  const sources = items.flatMap(({ disks }) => disks.map(({ source }) => source));
  const given = sources.flatMap((source) => (source.kind === "qmp" ? (source.fleece_folder ?? []) : []));
  for (const folder of given.length === 0 ? [undefined] : new Set(given)) {
    try {
      // What lies outside the roots, or is not there, the backup itself refuses with all that is to be said.
      const real = folder && (await resolveInsideRoots(folder, roots).catch(() => undefined));
      for (const sentence of await healFrozenGuests(real)) warn(sentence);
    } catch (error) {
      warn(asHoldfastError(error, "looking for guests that are still frozen").message);
    }
  }
}
