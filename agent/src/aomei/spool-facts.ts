import type { Spool } from "../spool/port.ts";
import type { AomeiFacts } from "./facts.ts";

/** The notebook of an enrolled host: what is recorded is told to its controller, and known after every restart. */
export function spoolFacts(spool: Pick<Spool, "facts" | "record" | "counts">): AomeiFacts {
  return {
    generation: spool.facts.generation,
    told: spool.facts.told,
    eachTold: spool.facts.eachTold,
    record: spool.record,
    waiting: () => spool.counts().waiting,
  };
}
