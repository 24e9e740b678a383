import { type Finding, MAX_FINDINGS } from "@holdfast/protocol";
import type { Range } from "../blockmap/ranges.ts";

/** Findings, kept up to the bound of evidence and counted beyond it. */
export type FindingList = {
  add: (...found: Finding[]) => void;
  kept: () => Finding[];
  total: () => number;
};

export function createFindingList(): FindingList {
  const kept: Finding[] = [];
  let total = 0;
  return {
    add: (...found) => {
      total += found.length;
      kept.push(...found.slice(0, MAX_FINDINGS - kept.length));
    },
    kept: () => [...kept],
    total: () => total,
  };
}

/** Turns ascending ranges into findings, joining those that touch; `flush` gives out the last one. */
export function createRangeFindings(findings: FindingList, code: string, what: string) {
  let open: Range | undefined;
  function flush(): void {
    if (open === undefined) return;
    const { offset, length } = open;
    open = undefined;
    findings.add({ code, message: `bytes ${offset} to ${offset + length - 1} of the disk ${what}`, offset, length });
  }
  return {
    add: (range: Range): void => {
      if (open !== undefined && open.offset + open.length === range.offset) {
        open = { offset: open.offset, length: open.length + range.length };
        return;
      }
      flush();
      open = range;
    },
    flush,
  };
}
