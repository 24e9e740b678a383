import { usageError } from "./failure.ts";

/** `name=value`, several of them. */
export function pairsOf(texts: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      throw usageError(`${option} takes name=value, not ${JSON.stringify(text)}`, "Repeat it for more.");
    }),
  );
}
