import { forTerminal } from "./for-terminal.ts";

const load = async () => (await import("string-width")).default;
let library: ReturnType<typeof load> | undefined;

/**
 * Has what tables need at hand: files that only people need, so that who takes --json does not wait for them. At the end of
 * a command that took hours they could be another version's, or gone.
 */
export function loadTable(): ReturnType<typeof load> {
  library ??= load();
  return library;
}

const BETWEEN = "  ";
/** A name may hold them; a row stays one line. */
const BREAKS = /[\n\t]/g;

/** Columns with a heading, without lines, so that they can be cut and grepped; one line a row. */
export async function table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  const widthOf = await loadTable();
  const lines = [head, ...rows].map((row) => row.map((cell) => forTerminal(cell).replace(BREAKS, " ")));
  const cells = lines.map((row) => row.map((text) => ({ text, width: widthOf(text) })));
  const widths = head.map((_, column) => cells.reduce((most, row) => Math.max(most, row[column]?.width ?? 0), 0));
  return cells
    .map((row) => row.map(({ text, width }, at) => text + " ".repeat(Math.max(0, (widths[at] ?? 0) - width))))
    .map((row) => row.join(BETWEEN).trimEnd())
    .join("\n");
}
