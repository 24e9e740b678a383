/** One thing wrong in a configuration: where, what, and what to do about it when that is not plain. */
export type Mistake = { path: string; message: string; hint?: string };

/** `items[0].disks[1].source` */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
  return text === "" ? "(the whole file)" : text;
}

/** One line for each mistake, for people. */
export function mistakeLines(mistakes: readonly Mistake[]): string {
  return mistakes
    .map(({ path, message, hint }) => `${path}: ${message}${hint === undefined ? "" : ` (${hint})`}`)
    .join("\n");
}
