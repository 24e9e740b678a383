/** Turns entries into events, each once, and remembers them in the same transaction. */
import type { AomeiEntry } from "@holdfast/protocol";
import type { ToldFact } from "../spool/told.ts";
import { bareFact } from "./bare-entries.ts";
import type { AomeiEvent, AomeiFacts } from "./facts.ts";
import { ownText } from "./log/own-text.ts";
import type { SeenEntries } from "./seen-entries.ts";

const TASK_PREFIX = "aomei/task/";
/** A host has dozens; a log of garbage may name any number. */
const MOST_TASKS = 5000;
const BATCH = 100;

/** All of an entry's event but for what is known at the moment of telling. */
export type TellableEntry = Omit<AomeiEntry, "told_again" | "read_at">;

/** `variant`: of an entry that may grow, what it says now: told again whenever that is new. `notes`: kept with it. */
export type HowToTell = { variant?: string; notes?: readonly ToldFact[] };

export type EntryTeller = {
  /** Takes an entry that was read; true when it has to be told and waits for `flush`. */
  take(entry: TellableEntry, how?: HowToTell): boolean;
  isFull(): boolean;
  /** Tells what was taken, in one transaction; answers how many entries that were. */
  flush(): number;
};

/** `awaitsImages`: entries without one are noted, because it may be found later. */
export function createEntryTeller(
  facts: AomeiFacts,
  seen: SeenEntries,
  { now, awaitsImages }: { now: () => Date; awaitsImages: boolean },
): EntryTeller {
  const nameTask = createTaskNames(facts);
  let events: AomeiEvent[] = [];
  let tell: ToldFact[] = [];
  let count = 0;
  return {
    take: (entry, { variant, notes = [] } = {}) => {
      const state = seen.look(entry.entry_key);
      const isTold = state === "told" && (variant === undefined || seen.look(variant) === "told");
      if (isTold) return false;
      const at = now();
      const read_at = at.toISOString();
      const named = nameTask(entry, read_at);
      if (named !== null) {
        events.push(named.event);
        tell.push(named.fact);
      }
      events.push({ kind: "aomei_entry", body: { ...entry, told_again: state !== "new", read_at } });
      const bare = awaitsImages ? bareFact(entry, facts.generation(), at) : null;
      tell.push(...notes, ...(bare === null ? [] : [bare]));
      seen.add(entry.entry_key);
      if (variant !== undefined && variant !== entry.entry_key) seen.add(variant);
      count += 1;
      return true;
    },
    isFull: () => count >= BATCH,
    flush: () => {
      const packs = seen.take();
      const change = { events, tell: [...tell, ...packs.tell], forget: packs.forget };
      if (events.length > 0) facts.record(change);
      seen.settle();
      const flushed = count;
      events = [];
      tell = [];
      count = 0;
      return flushed;
    },
  };
}

type NamedTask = { event: AomeiEvent; fact: ToldFact };

/** Notices tasks at first sight and under new names. */
function createTaskNames(facts: AomeiFacts): (entry: TellableEntry, at: string) => NamedTask | null {
  const generation = facts.generation();
  const names = new Map<string, string | null>();
  for (const { guid, name, ...fact } of knownTasks(facts)) if (fact.generation >= generation) names.set(guid, name);
  return ({ task_guid, task_name, source, ended_at }, at) => {
    if (task_guid === null) return null;
    const before = names.get(task_guid);
    if (before !== undefined && (before === task_name || task_name === null)) return null;
    if (before === undefined && names.size >= MOST_TASKS) return null;
    names.set(ownText(task_guid), task_name === null ? null : ownText(task_name));
    const body = { task_guid, task_name, previous_name: before ?? null, source, at: ended_at ?? at };
    const state = JSON.stringify({ name: task_name });
    return { event: { kind: "aomei_task_seen", body }, fact: { subject: TASK_PREFIX + task_guid, generation, state } };
  };
}

/** Every task that was told, with its newest name. */
export function knownTasks(facts: AomeiFacts): { guid: string; name: string | null; generation: number }[] {
  return facts.told(TASK_PREFIX).map(({ subject, generation, state }) => {
    const { name } = JSON.parse(state) as { name: string | null };
    return { guid: subject.slice(TASK_PREFIX.length), name, generation };
  });
}
