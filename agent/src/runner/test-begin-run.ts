/** Begins a run in the ledger given as argument and never ends it: something to kill. */
import { setTimeout } from "node:timers/promises";
import { beginRun, newRun } from "./ledger.ts";

await beginRun(process.argv[2] ?? "", newRun({ kind: "backup", item: "web-1" }, new Date()));
await setTimeout(600_000);
