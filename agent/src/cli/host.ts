/** What every command works with: the configuration, the ledger, cancelling, warnings and progress. */
import { loadConfig, surroundings } from "../config/load.ts";
import { cancelOnSignals } from "../runner/cancel.ts";
import type { RunContext, RunProgress } from "../runner/context.ts";
import { openRuns } from "../runner/open-runs.ts";
import { openTelling } from "../runner/telling/open-telling.ts";
import type { Telling } from "../runner/telling/port.ts";
import type { ExitCode } from "./exit-codes.ts";
import { forTerminal } from "./for-terminal.ts";
import { type HostConfig, hostConfig } from "./host-config.ts";
import { createProgress, type Progress } from "./progress.ts";
import { loadTable } from "./table.ts";

export type GlobalOptions = { config?: string; json?: boolean };

export type Host = {
  config: HostConfig;
  signal: AbortSignal;
  now: () => Date;
  /** Says a sentence on standard error, and keeps it for the JSON document. */
  warn: (sentence: string) => void;
  warnings: string[];
  /** What went wrong beside the command's own work; a command that looks at everything answers with it. */
  troubles: ExitCode[];
  progress: Progress;
  json: boolean;
  /** Opened at the first call; closed with the command. */
  telling: () => Promise<Telling>;
};

/** Reads the configuration and runs a command, which Ctrl-C cancels. */
export async function withHost<T>(globals: GlobalOptions, work: (host: Host) => Promise<T>): Promise<T> {
  const json = globals.json === true;
  // What goes wrong with it is heard when a table is drawn.
  if (!json) loadTable().catch(() => undefined);
  const own = await loadConfig(globals.config, surroundings());
  using cancel = cancelOnSignals();
  const progress = createProgress(process.stderr, json);
  const warnings: string[] = [];
  const warn = (sentence: string): void => {
    if (warnings.includes(sentence)) return;
    warnings.push(sentence);
    progress.clear();
    if (!json) process.stderr.write(`warning: ${forTerminal(sentence)}\n`);
  };
  const now = (): Date => new Date();
  const config = await hostConfig(own, warn);
  const telling = lazyTelling({ stateDir: config.state_dir, repositories: config.repositories, now, warn });
  const { signal } = cancel;
  try {
    return await work({ config, signal, now, warn, warnings, troubles: [], progress, json, telling: telling.get });
  } finally {
    await telling.close();
    progress.clear();
  }
}

/** Most commands only look: they do not open the spool. */
function lazyTelling(wish: Parameters<typeof openTelling>[0]) {
  let opening: ReturnType<typeof openTelling> | undefined;
  return {
    get: async (): Promise<Telling> => {
      opening ??= openTelling(wish);
      return (await opening).telling;
    },
    close: async (): Promise<void> => {
      const opened = await opening?.catch(() => undefined);
      opened?.close();
    },
  };
}

/** Begins to run: tidies up after earlier runs, and resolves with what operations work with. */
export async function runContext(host: Host): Promise<RunContext> {
  const { config, signal, now, warn, progress } = host;
  const telling = await host.telling();
  const ledger = await openRuns(config, config.items, { now, warn, telling });
  const onProgress = (one: RunProgress): void => progress.update(labelOf(one), one.done, one.total);
  return { rules: config, ledger, signal, now, warn, telling, onProgress };
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
