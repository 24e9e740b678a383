/** Turns entries into events, each once, and remembers them in the same transaction. */
import type { AomeiEntry } from "@holdfast/protocol";
import type { ToldFact } from "../spool/told.ts";
import type { AomeiEvent, AomeiFacts } from "./facts.ts";
import { ownText } from "./log/own-text.ts";
import type { SeenEntries } from "./seen-entries.ts";

const TASK_PREFIX = "aomei/task/";
/** A host has dozens; a log of garbage may name any number. */
const MOST_TASKS = 5000;
const BATCH = 100;

/** All of an entry's event but for what is known at the moment of telling. */
export type TellableEntry = Omit<AomeiEntry, "told_again" | "read_at">;

export type EntryTeller = {
  /** Takes an entry that was read; true when it has to be told and waits for `flush`. */
  take(entry: TellableEntry): boolean;
  isFull(): boolean;
  /** Tells what was taken, in one transaction; answers how many entries that were. */
  flush(): number;
};

export function createEntryTeller(facts: AomeiFacts, seen: SeenEntries, now: () => Date): EntryTeller {
  const nameTask = createTaskNames(facts);
  let events: AomeiEvent[] = [];
  let tell: ToldFact[] = [];
  let count = 0;
  return {
    take: (entry) => {
      const state = seen.look(entry.entry_key);
      if (state === "told") return false;
      const read_at = now().toISOString();
      const named = nameTask(entry, read_at);
      if (named !== null) {
        events.push(named.event);
        tell.push(named.fact);
      }
      events.push({ kind: "aomei_entry", body: { ...entry, told_again: state === "owed", read_at } });
      seen.add(entry.entry_key);
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
