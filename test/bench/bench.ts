/** What a bench is to the runner. A new one: a file that exports a `Bench`, and its line in `registry.ts`. */
import type { Row } from "./row.ts";

export type BenchOptions = {
  /** Measured runs of each contender; the numbers printed are their medians. */
  runs: number;
  /** Bytes of the main thing that is worked on; each bench has its own default. */
  size: number | undefined;
  /** Empty the page cache before each measured run; needs root. */
  cold: boolean;
  /** Measure also programs that Holdfast does not need itself. */
  peers: boolean;
  /** Only these of the bench's cases; empty for all. */
  cases: readonly string[];
  /** An empty folder for this run; the runner removes it. */
  scratch: string;
};

export type Report = {
  /** A measured number: printed at once with `--json`, else in the table at the end. */
  row: (row: Row) => void;
  /** What is going on, for people who wait. */
  say: (sentence: string) => void;
};

export type Bench = {
  name: string;
  about: string;
  /** What `--cases` takes. */
  cases: readonly string[];
  run: (options: BenchOptions, report: Report) => Promise<void>;
};
