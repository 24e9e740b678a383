/** The table that people read. */
import type { JsonRow } from "./row.ts";

const HEAD = ["case", "value", "peer", "its value", "ratio", "target", "met"];

export function renderTable(rows: readonly JsonRow[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_head, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf(row: JsonRow): string[] {
  const amount = (value: number | null): string => (value === null ? "-" : `${value} ${row.unit}`);
  return [
    row.case,
    amount(row.value),
    row.peer ?? "-",
    row.peer === null ? "-" : amount(row.peer_value),
    row.ratio === null ? "-" : `${row.ratio}`,
    row.target ?? "-",
    row.met === null ? "-" : row.met ? "yes" : "NO",
  ];
}
