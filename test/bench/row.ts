/** One measured number, what it is compared with and what is asked of it; no I/O. */

export type Unit = "s" | "GiB/s" | "MB/s" | "MB" | "bytes" | "/s" | "cores";

export type Row = {
  case: string;
  /** The median of the runs. */
  value: number;
  unit: Unit;
  /** What was measured beside it, in the same unit; `value` is null when that could not be (it is not installed). */
  peer?: { name: string; value: number | null };
  /** `at most`: compared as a cost (value ÷ peer). `at least`: compared as a gain (how many times better than the peer). */
  sense: "at most" | "at least";
  /** Of the ratio when there is a peer, else of the value; null when nothing is asked, the number is for information. */
  limit: number | null;
};

export type JsonRow = {
  bench: string;
  case: string;
  value: number;
  unit: Unit;
  peer: string | null;
  peer_value: number | null;
  ratio: number | null;
  target: string | null;
  met: boolean | null;
};

const MORE_IS_BETTER: readonly Unit[] = ["GiB/s", "MB/s", "/s"];

/** The row as it is printed with `--json`; `met` is null when nothing was asked or the peer could not be measured. */
export function judge(bench: string, row: Row): JsonRow {
  const ratio = ratioOf(row);
  const judged = row.peer === undefined ? row.value : ratio;
  const { limit, sense } = row;
  const target = limit === null ? null : `${sense === "at most" ? "<=" : ">="} ${limit}${unitOfTarget(row)}`;
  const met = limit === null || judged === null ? null : sense === "at most" ? judged <= limit : judged >= limit;
  return {
    bench,
    case: row.case,
    value: rounded(row.value),
    unit: row.unit,
    peer: row.peer?.name ?? null,
    peer_value: row.peer?.value == null ? null : rounded(row.peer.value),
    ratio: ratio === null ? null : rounded(ratio),
    target,
    met,
  };
}

function ratioOf({ peer, value, sense, unit }: Row): number | null {
  if (peer === undefined || peer.value === null) return null;
  const valueOverPeer = sense === "at most" || MORE_IS_BETTER.includes(unit);
  return valueOverPeer ? value / peer.value : peer.value / value;
}

function unitOfTarget({ peer, unit }: Row): string {
  return peer === undefined ? ` ${unit}` : "";
}

/** Four digits say all that a measurement on a living machine can. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** The middle one; the mean of the two in the middle for an even number. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
