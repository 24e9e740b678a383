/** Some of the zones, in a thread of their own: one message for each. */
import { parentPort, workerData } from "node:worker_threads";
import { runZone, type ZonesPart } from "./ledger-zones.ts";

const { part, parts, ...wish } = workerData as ZonesPart;
for (const [index, zone] of Intl.supportedValuesOf("timeZone").entries())
  if (index % parts === part) parentPort?.postMessage(runZone(index, zone, wish));
