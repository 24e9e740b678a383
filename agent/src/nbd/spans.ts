/**
 * Adds `[start, end)` to a flat, sorted list of disjoint spans `[start0, end0, start1, end1, …]`, merging neighbours.
 * Returns false, and changes nothing, when it overlaps what is there.
 */
export function addSpan(spans: number[], start: number, end: number): boolean {
  const last = spans.length - 1;
  // Servers answer in order: nearly always this is the first span, or it continues the last one.
  if (last < 0) return spans.push(start, end) > 0;
  if (spans[last] === start) {
    spans[last] = end;
    return true;
  }
  const at = firstSpanFrom(spans, start);
  const before = at > 0 ? spans[at - 1] : undefined;
  const after = spans[at];
  if ((before !== undefined && before > start) || (after !== undefined && after < end)) return false;
  const joinsBefore = before === start;
  const joinsAfter = after === end;
  if (joinsBefore && joinsAfter) spans.splice(at - 1, 2);
  else if (joinsBefore) spans[at - 1] = end;
  else if (joinsAfter) spans[at] = start;
  else spans.splice(at, 0, start, end);
  return true;
}

/** Index of the first span that begins at or after `start`. */
function firstSpanFrom(spans: readonly number[], start: number): number {
  let low = 0;
  let high = spans.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[2 * middle] ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** Whether the list is exactly the one span `[start, end)`. */
export function coversExactly(spans: readonly number[], start: number, end: number): boolean {
  return spans.length === 2 && spans[0] === start && spans[1] === end;
}
