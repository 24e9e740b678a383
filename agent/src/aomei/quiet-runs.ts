/** Which runs of a text log were told before their end was written. */
import type { ToldFact } from "../spool/told.ts";
import type { AomeiFacts } from "./facts.ts";
import type { QuietRun } from "./text-log/parse-text.ts";

/** `size`: how large the file was then, in bytes; one that is smaller is another log. */
type NotedRun = QuietRun & { size: number };

const MOST = 50;

const subjectOf = (path: string): string => `aomei/quiet/${path}`;

/** Of this log; those of one that was in its place are forgotten. */
export function quietRuns(
  facts: Pick<AomeiFacts, "told" | "generation" | "record">,
  path: string,
  file: { size: number },
): QuietRun[] {
  const known = noted(facts, path);
  const own = known.filter(({ size }) => size <= file.size);
  const tell = [{ subject: subjectOf(path), generation: facts.generation(), state: JSON.stringify(own) }];
  if (own.length < known.length) facts.record({ events: [], tell, forget: [] });
  return own;
}

/** The note of one more. */
export function quietFact(facts: Pick<AomeiFacts, "told" | "generation">, path: string, run: NotedRun): ToldFact {
  const others = noted(facts, path).filter(({ key, size }) => key !== run.key && size <= run.size);
  const state = JSON.stringify([...others, run].slice(-MOST));
  return { subject: subjectOf(path), generation: facts.generation(), state };
}

function noted(facts: Pick<AomeiFacts, "told">, path: string): NotedRun[] {
  const subject = subjectOf(path);
  const found = facts.told(subject).find((fact) => fact.subject === subject);
  return found === undefined ? [] : (JSON.parse(found.state) as NotedRun[]);
}
