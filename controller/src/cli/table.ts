import stringWidth from "string-width";

const BETWEEN = "  ";

/** Columns with a heading, without lines, so that they can be cut and grepped; one line a row. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((text) => ({ text, width: stringWidth(text) })));
  const widths = head.map((_, column) => cells.reduce((most, row) => Math.max(most, row[column]?.width ?? 0), 0));
  return cells
    .map((row) => row.map(({ text, width }, at) => text + " ".repeat(Math.max(0, (widths[at] ?? 0) - width))))
    .map((row) => row.join(BETWEEN).trimEnd())
    .join("\n");
}

/** One fact a line: its name and what it is. */
export function facts(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return trimmed(lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n"));
}

function trimmed(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
