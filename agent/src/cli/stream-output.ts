import { once } from "node:events";

const PIECE = 64 * 1024;

export type Output = {
  write(text: string): void;
  /** Resolves when standard output has taken enough for more. */
  drain(): Promise<void>;
  end(): Promise<void>;
};

/** Standard output for what is too long to be held: written in pieces, no faster than it is read. */
export function streamOutput(to: NodeJS.WriteStream): Output {
  let held = "";
  const flush = async (): Promise<void> => {
    const text = held;
    held = "";
    if (text === "" || to.destroyed || to.write(text)) return;
    // Who reads through `head` has read enough: the rest is dropped.
    await Promise.race([once(to, "drain"), once(to, "close")]).catch(() => undefined);
  };
  return {
    write: (text) => {
      held += text;
    },
    drain: async () => {
      if (held.length >= PIECE) await flush();
    },
    end: flush,
  };
}
