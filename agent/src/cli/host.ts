/** What every command works with: the configuration, the ledger, cancelling, warnings and progress. */
import { loadConfig, surroundings } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { cancelOnSignals } from "../runner/cancel.ts";
import type { RunContext, RunProgress } from "../runner/context.ts";
import { openRuns } from "../runner/open-runs.ts";
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

/** Begins to run: tidies up after earlier runs, and resolves with what operations work with. */
export async function runContext(host: Host): Promise<RunContext> {
  const { config, signal, now, warn, progress } = host;
  const ledger = await openRuns(config, config.items, { now, warn });
  const onProgress = (one: RunProgress): void => progress.update(labelOf(one), one.done, one.total);
  return { rules: config, ledger, signal, now, warn, onProgress };
}

function labelOf({ kind, subject, diskId, phase }: RunProgress): string {
  switch (kind) {
    case "backup":
      return `${subject} disk ${diskId}: ${phase}`;
    case "verify":
      return `${subject}: verify ${phase}`;
    case "drill":
      return `${subject}: drill, ${phase}`;
    case "restore":
    case "removal":
      return `${subject}: ${phase}`;
  }
}
