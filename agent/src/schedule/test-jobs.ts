/** Jobs for tests, and what happens to them in a small notation. */
import { scheduleSpec, type TaskPlan } from "@holdfast/protocol";
import type { Job } from "./job.ts";
import { step } from "./machine.ts";
import { idleSince, type JobEffect, type JobEvent, type JobState } from "./state.ts";

type Wish = Partial<Omit<TaskPlan, "schedule">> & { schedule?: object | null; closed?: Job["closed"] };

/** Daily at 03:00 UTC unless `wish` says otherwise. */
export function jobOf({ schedule = {}, closed = [], ...wish }: Wish = {}): Job {
  const spec = schedule === null ? null : scheduleSpec.parse({ cron: "0 3 * * *", zone: "UTC", ...schedule });
  const rest = { after_backup: false, which: "newest", retries: 3, retry_seconds: 60, ...wish } as const;
  return {
    ...{ id: "vm-1/backup", item: "vm-1", task: "backup", name: "seed/vm-1/backup", engine: {}, closed },
    ...{ plan: { schedule: spec, ...rest }, policyId: "44444444-4444-4444-8444-444444444444", policyVersion: 1 },
  };
}

/** `2 03:00` is the second of March 2026, UTC; so is `2 03:00:30`. */
export function at(text: string): Date {
  const [day = "", clock = ""] = text.split(" ");
  return new Date(`2026-03-${day.padStart(2, "0")}T${clock.length === 5 ? `${clock}:00` : clock}Z`);
}

function textOf(date: Date): string {
  const [day = "", clock = ""] = date.toISOString().slice(8, 19).split("T");
  return `${Number(day)} ${clock.endsWith(":00") ? clock.slice(0, 5) : clock}`;
}

function effectText(effect: JobEffect): string[] {
  if (effect.type === "wake") return [];
  const since = effect.since === null ? "" : ` since ${textOf(effect.since)}`;
  if (effect.type === "skip") return [`skip ${textOf(effect.due)}${since} ${effect.reason}`];
  return [`start ${textOf(effect.due)}${since}${effect.attempt > 1 ? ` #${effect.attempt}` : ""}`];
}

/** `2 03:00`, `2 03:05 done|failed|refused`, `2 03:05 found none|done|failed|cancelled`, `2 03:05 asked 2 03:00`. */
function eventOf(words: readonly string[]): JobEvent {
  const [what, more = "", clock = ""] = words;
  if (what === undefined) return { type: "time" };
  if (what === "asked") return { type: "asked", due: at(`${more} ${clock}`) };
  const random = 0.5;
  if (what === "found") return { type: "found", run: more as "none", random };
  return { type: "ended", outcome: what as "done", random };
}

/** Plays `<when> <event> -> <effects>` line by line from idle, settled up to `from`; answers each with what came of it. */
export function play(job: Job, from: string, lines: readonly string[]): string[] {
  let state: JobState = idleSince(at(from));
  return lines.map((line) => {
    const [said = ""] = line.split(" -> ");
    const [day = "", clock = "", ...words] = said.split(" ");
    const stepped = step(job, state, eventOf(words), at(`${day} ${clock}`));
    state = stepped.state;
    const effects = stepped.effects.flatMap(effectText);
    return `${said} -> ${effects.length === 0 ? "-" : effects.join(", ")}`;
  });
}
