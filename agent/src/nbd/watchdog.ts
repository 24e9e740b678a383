export type Watchdog = {
  /** A byte came. */
  heard(): void;
  /** Call before a request is entered: while none waited, silence did not count. */
  begin(): void;
  end(): void;
};

/** Calls `expired` once requests have been waiting while nothing was heard for `timeoutMs`. One timer, however many. */
export function createWatchdog(timeoutMs: number, isWaiting: () => boolean, expired: () => void): Watchdog {
  let heardAt = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    timer = undefined;
    if (!isWaiting()) return;
    const left = heardAt + timeoutMs - performance.now();
    if (left > 0) timer = setTimeout(wake, Math.ceil(left));
    else expired();
  }
  // If our own process was busy, the answer may lie in the socket: let it be read before judging.
  const wake = () => setImmediate(look);

  return {
    heard() {
      heardAt = performance.now();
    },
    begin() {
      if (!isWaiting()) heardAt = performance.now();
      timer ??= setTimeout(wake, timeoutMs);
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
