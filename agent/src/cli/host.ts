/** What every command works with: the configuration, the ledger, cancelling, warnings and progress. */
import { mkdir } from "node:fs/promises";
import { loadConfig, surroundings } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { tidyScratch } from "../drills/scratch.ts";
import { healFrozenGuests } from "../engines/qcow2/sources/qmp-quiesce.ts";
import { resolveInsideRoots } from "../engines/qcow2/sources/roots.ts";
import { asHoldfastError } from "../errors.ts";
import type { Floor } from "../repository/removal-rules.ts";
import { cancelOnSignals } from "../runner/cancel.ts";
import { noticeLost, openLedger } from "../runner/ledger.ts";
import type { ExitCode } from "./exit-codes.ts";
import { createProgress, type Progress } from "./progress.ts";

export type GlobalOptions = { config?: string; json?: boolean };

export type Host = {
  config: Config;
  signal: AbortSignal;
  now: () => Date;
  /** Says a sentence on standard error, and keeps it for the JSON document. */
  warn: (sentence: string) => void;
  warnings: string[];
  /** What went wrong beside the command's own work; a command that looks at everything answers with it. */
  troubles: ExitCode[];
  progress: Progress;
  json: boolean;
};

/** Reads the configuration and runs a command, which Ctrl-C cancels. */
export async function withHost<T>(globals: GlobalOptions, work: (host: Host) => Promise<T>): Promise<T> {
  const json = globals.json === true;
  const config = await loadConfig(globals.config, surroundings());
  using cancel = cancelOnSignals();
  const progress = createProgress(process.stderr, json);
  const warnings: string[] = [];
  const warn = (sentence: string): void => {
    if (warnings.includes(sentence)) return;
    warnings.push(sentence);
    progress.clear();
    if (!json) process.stderr.write(`warning: ${sentence}\n`);
  };
  try {
    return await work({
      config,
      signal: cancel.signal,
      now: () => new Date(),
      warn,
      warnings,
      troubles: [],
      progress,
      json,
    });
  } finally {
    progress.clear();
  }
}

/**
 * The ledger of this host, for commands that begin a run; warns of runs that were lost since the last time, thaws
 * guests that one of them left frozen, and clears its scratch space.
 */
export async function openRuns(host: Host): Promise<string> {
  await mkdir(host.config.state_dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw asHoldfastError(error, `making the agent's state folder ${host.config.state_dir}`);
  });
  const ledger = await openLedger(host.config.state_dir);
  for (const run of await noticeLost(ledger, host.now()))
    host.warn(`the ${run.kind} of ${run.item} begun ${run.started_at} was lost: its process ended without a word`);
  await thawForgotten(host);
  await tidyDrills(host);
  return ledger;
}

/** What a killed drill restored can be as large as a disk: no run leaves it to the next drill. None fails because of it. */
async function tidyDrills({ config, warn }: Host): Promise<void> {
  await tidyScratch(config.scratch_dir).catch((error: unknown) => {
    warn(asHoldfastError(error, "tidying the scratch folder").message);
  });
}

/** A guest that stands still is worth a look by every run, also of another item; none fails because of it. */
async function thawForgotten({ config, warn }: Host): Promise<void> {
  const sources = config.items.flatMap(({ disks }) => disks.map(({ source }) => source));
  const given = sources.flatMap((source) => (source.kind === "qmp" ? (source.fleece_folder ?? []) : []));
  for (const folder of given.length === 0 ? [undefined] : new Set(given)) {
    try {
      // What lies outside the roots, or is not there, the backup itself refuses with all that is to be said.
      const real = folder && (await resolveInsideRoots(folder, config.roots).catch(() => undefined));
      for (const sentence of await healFrozenGuests(real)) warn(sentence);
    } catch (error) {
      warn(asHoldfastError(error, "looking for guests that are still frozen").message);
    }
  }
}

/** The floor under every removal, as this host has it. */
export function floorOf({ config: { floor } }: Host): Floor {
  return { minPoints: floor.min_points, minAgeDays: floor.min_age_days };
}
