import { asks } from "./asks.ts";
import { listBench } from "./list-bench.ts";
import { seedStatements } from "./seed-rows.ts";

export const apiBench = listBench({
  name: "api",
  about: "the controller's lists over 10,000 items and a million runs",
  statements: seedStatements,
  asks,
  watchedMs: 0,
});
