import type { Spool } from "../spool/port.ts";
import type { Log } from "./log.ts";

const REMEMBERED = 1000;

/** Warnings of runs go to the log and to the controller, each sentence once. */
export function sayOnce(spool: Pick<Spool, "append">, log: Log, now: () => Date): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (said.has(sentence)) return;
    if (said.size >= REMEMBERED) said.clear();
    said.add(sentence);
    log("warn", sentence);
    const body = { level: "warn" as const, code: "RUN_WARNING", message: sentence, at: now().toISOString() };
    try {
      spool.append([{ kind: "log", body }]);
    } catch (error) {
      // It stands in the log, and no run fails because of it.
      log("warn", `the controller cannot be told: ${String(error)}`);
    }
  };
}
