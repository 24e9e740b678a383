/** All that runs by itself or by command, for who stops the service. */
export type Work = {
  /** Begins nothing more: what waits stays noted for the next start. */
  drain(): void;
  /** Cancels what runs. */
  cancelAll(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
};

export function together(all: readonly Work[]): Work {
  return {
    drain: () => {
      for (const one of all) one.drain();
    },
    cancelAll: () => {
      for (const one of all) one.cancelAll();
    },
    idle: async () => {
      await Promise.all(all.map((one) => one.idle()));
    },
  };
}
