/** CSV as RFC 4180 has it, safe to be opened by a spreadsheet. */
type Cell = string | number | boolean | Date | null;

/** One row a line, CRLF. A text that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvText(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell !== "string") return String(cell);
  const safe = /^\s*[=+\-@|%]/.test(cell) ? `'${cell}` : cell;
  return /[",;\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
