import { HoldfastError } from "../errors.ts";

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
const CANCELLED_EXIT_CODE = 130;

/**
 * The first Ctrl-C (SIGTERM, SIGHUP) asks the work to stop and clean up; a second one does not wait for that, which is
 * safe as well: the next run tidies.
 */
export function cancelOnSignals(): { signal: AbortSignal; [Symbol.dispose]: () => void } {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(CANCELLED_EXIT_CODE);
    controller.abort(new HoldfastError("CANCELLED", { message: `cancelled (${name})` }));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
