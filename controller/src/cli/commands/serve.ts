import { serve } from "../../main.ts";
import { loadSettings, surroundings } from "../../serve/load-settings.ts";
import { openLog } from "../../serve/log.ts";
import { controllerVersion } from "../../version.ts";
import { announcement } from "../announcement.ts";
import type { Answer } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { asFailure } from "../failure.ts";

export type ServeCommandOptions = {
  json?: boolean;
  config?: string;
  dataDir?: string;
  database?: string;
  allowMigrate?: boolean;
  listen?: string;
  httpsPort?: string;
  agentPort?: string;
  name?: string[];
  certificateFile?: string;
  certificateKeyFile?: string;
  logLevel?: string;
};

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** `holdfast serve`: ends with the first SIGTERM or Ctrl-C in good order, with the second at once. */
export async function serveCommand(options: ServeCommandOptions): Promise<Answer | undefined> {
  const settings = await loadSettings({ config: options.config, options: settingsOf(options) }, surroundings());
  const log = openLog(settings.log_level);
  const signal = stopSignal();
  process.on("uncaughtExceptionMonitor", (error) => {
    log.fatal({ err: error }, "the controller ends: nobody expected this");
  });
  log.info({ version: controllerVersion(), pid: process.pid }, "the controller is starting");
  try {
    const isClean = await serve(settings, {
      log,
      signal,
      allowMigrate: options.allowMigrate === true,
      onReady: (ready) => {
        const { url, agentUrl: agent_url, httpsPort: https_port, agentPort: agent_port } = ready;
        const place = { url, agent_url, https_port, agent_port, root_fingerprint: ready.rootFingerprint };
        log.info(place, "the controller is ready");
        process.stderr.write(announcement(ready, settings.data_dir, options.json === true));
      },
    });
    if (!isClean) process.exit(EXIT.failed);
    return undefined;
  } catch (error) {
    const { code, message, remedy } = asFailure(error);
    // What is understood needs no stack; the rest does.
    log.fatal({ code, remedy, ...(code === "START_FAILED" ? { err: error } : {}) }, message);
    throw error;
  }
}

function settingsOf(options: ServeCommandOptions): Record<string, unknown> {
  const all = {
    data_dir: options.dataDir,
    database: options.database,
    listen: options.listen,
    https_port: options.httpsPort,
    agent_port: options.agentPort,
    names: options.name,
    certificate_file: options.certificateFile,
    certificate_key_file: options.certificateKeyFile,
    log_level: options.logLevel,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS))
    process.on(name, () => {
      if (stop.signal.aborted) {
        process.exit(exitCode);
      }
      stop.abort();
    });
  return stop.signal;
}
