/** What is protected now, by the configuration file and the policy as they stand; both may change at any time. */
import { stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/schema.ts";
import { asHoldfastError } from "../errors.ts";
import type { Spool } from "../spool/port.ts";
import type { Log } from "./log.ts";
import { makeRepositoryOnce } from "./policy/make-repository.ts";
import { type Protected, protect } from "./policy/protect.ts";

export type Protection = {
  now(): Protected;
  /** Decides again, by the policy that the spool keeps. Tells the controller what came of it. */
  decide(wish: { tell: boolean }): Promise<void>;
  /** Reads the file again when it changed; true when another configuration is in force. */
  reload(): Promise<boolean>;
};

export type ProtectionParts = {
  config: Config;
  load: () => Promise<Config>;
  spool: Spool;
  clock: () => Date;
  log: Log;
  /** Before the controller is told: what it then expects is looked after already. */
  onDecided: () => void;
};

export async function openProtection(parts: ProtectionParts): Promise<Protection> {
  const { config, load, spool, clock, log, onDecided } = parts;
  const make = (entry: Parameters<typeof makeRepositoryOnce>[1]) => makeRepositoryOnce(spool, entry);
  let current = await protect(config, spool.policy.get(), make);
  let mark = await markOf(config.file);
  const decide = async ({ tell }: { tell: boolean }, by: Config = current.config): Promise<void> => {
    const before = current.refused;
    current = await protect(by, spool.policy.get(), make);
    onDecided();
    const { policyVersion, refused } = current;
    for (const { subject, error } of refused) log("warn", `${subject} of the controller's policy: ${error.message}`);
    if (policyVersion === null || !(tell || !isDeepStrictEqual(before, refused))) return;
    const body = { version: policyVersion, applied_at: clock().toISOString(), refused: refused.slice(0, 1000) };
    spool.append([{ kind: "policy_applied", body }]);
  };
  return {
    now: () => current,
    decide,
    reload: async () => {
      const seen = await markOf(current.config.file);
      if (seen === mark) return false;
      mark = seen;
      try {
        const next = await load();
        if (next.state_dir !== current.config.state_dir)
          log("warn", "another state_dir takes a restart of the service");
        await decide({ tell: false }, { ...next, state_dir: current.config.state_dir });
        log("info", "the configuration was read again");
        return true;
      } catch (error) {
        const { message, details } = asHoldfastError(error, "reading the configuration");
        log("error", `the configuration stays as it was: ${message}`, { details });
        return false;
      }
    },
  };
}

/** Changes with the file. */
async function markOf(file: string | null): Promise<string> {
  if (file === null) return "";
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? "gone" : `${found.ino}:${found.size}:${found.mtimeMs}`;
}
