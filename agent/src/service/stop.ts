/** Asked to stop once, and once more by those who do not want to wait. */
export type Stop = { asked: Promise<void>; askedAgain: Promise<void> };

const SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP"];
const IMPATIENT = 3;

/** By SIGTERM, SIGINT (Ctrl-C) or SIGHUP. A third one ends the process at once, which is safe: the next start tidies. */
export function stopOnSignals(): Stop & Disposable {
  const asked = Promise.withResolvers<void>();
  const again = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    if (count === 1) asked.resolve();
    else again.resolve();
    if (count >= IMPATIENT) process.exit(130);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    asked: asked.promise,
    askedAgain: again.promise,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
