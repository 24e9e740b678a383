/** What the tailer remembers and tells: the spool's notebook, or the memory of one command. */
import type { AomeiEntry, AomeiImage, AomeiSourceState, AomeiTaskSeen } from "@holdfast/protocol";
import type { ToldFact } from "../spool/told.ts";

export type AomeiEvent =
  | { kind: "aomei_source_state"; body: AomeiSourceState }
  | { kind: "aomei_task_seen"; body: AomeiTaskSeen }
  | { kind: "aomei_entry"; body: AomeiEntry }
  | { kind: "aomei_image"; body: AomeiImage };

export type AomeiFacts = {
  /** Grows when the controller has lost what it was told: all is told once more then. */
  generation(): number;
  told(prefix: string): ToldFact[];
  /** The same one by one, where they are too many to hold at once. */
  eachTold(prefix: string, hear: (fact: ToldFact) => void): void;
  /** Events and what is remembered of them, as one: all or none, on the disk when it returns. */
  record(change: { events: readonly AomeiEvent[]; tell: readonly ToldFact[]; forget: readonly string[] }): void;
  /** How many events wait for the controller. */
  waiting(): number;
};

/** Forgets everything when the process ends. `hear` gets what would be told. */
export function memoryFacts(hear: (event: AomeiEvent) => void): AomeiFacts & { renew(): void } {
  const kept = new Map<string, ToldFact>();
  let generation = 1;
  const told = (prefix: string): ToldFact[] =>
    [...kept.values()]
      .filter(({ subject }) => subject.startsWith(prefix))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  return {
    generation: () => generation,
    renew: () => {
      generation += 1;
    },
    told,
    eachTold: (prefix, hear) => {
      for (const fact of told(prefix)) hear(fact);
    },
    record: ({ events, tell, forget }) => {
      for (const fact of tell) kept.set(fact.subject, fact);
      for (const subject of forget) kept.delete(subject);
      for (const event of events) hear(event);
    },
    waiting: () => 0,
  };
}
