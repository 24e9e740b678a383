import { agentIdOf } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Client } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { WindowDocument } from "../documents.ts";
import { usageError } from "../failure.ts";
import { parseSeconds, plainText, secondsText, shortText, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { parseEnd, parseMoment } from "../moment.ts";
import { idOf } from "../named.ts";
import { pairsOf } from "../pairs.ts";
import { selectorText } from "../policy-text.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/maintenance-windows";

const WINDOWS: ListSpec<WindowDocument> = {
  path: PATH,
  field: "windows",
  columns: [
    ["NAME", (one) => plainText(one.name)],
    ["STATE", stateOf],
    ["FROM", (one) => timeText(one.current_or_next?.from ?? one.starts_at)],
    ["UNTIL", (one) => timeText(one.current_or_next?.until ?? one.ends_at)],
    ["REPEATS", (one) => (one.cron === null ? "-" : `${plainText(one.cron)} (${plainText(one.zone)})`)],
    ["RUNS", (one) => (one.suspend_runs ? "suspended" : "go on")],
    ["FOR", (one) => shortText(selectorText(one.selector))],
    ["ID", (one) => one.window_id],
  ],
  none: "No maintenance is announced.",
};

function stateOf({ active, ended_at, current_or_next }: WindowDocument): string {
  if (ended_at !== null) return "ended";
  if (active) return "now";
  return current_or_next === null ? "past" : "to come";
}

export async function listWindows(options: PageOptions & { open?: boolean }): Promise<Answer> {
  return await list(options, WINDOWS, () => (options.open === true ? { ended: false } : {}));
}

export type StartWindowOptions = Globals & {
  agent?: string[];
  label?: string[];
  vm?: string[];
  everything?: boolean;
  from?: string;
  until?: string;
  cron?: string;
  zone?: string;
  duration?: string;
  suspendRuns?: boolean;
  reason?: string;
};

export async function startWindow(name: string, options: StartWindowOptions): Promise<Answer> {
  const when = whenOf(options, new Date());
  return await tell(
    options,
    async (client) => {
      const selector = await selectorOf(client, options);
      const { suspendRuns: suspend_runs = false, reason } = options;
      const body = { name, selector, ...when, suspend_runs, ...(reason === undefined ? {} : { reason }) };
      return await client.call<WindowDocument>("POST", PATH, { body });
    },
    startedText,
  );
}

function startedText({ window_id, active, current_or_next: span, duration_seconds }: WindowDocument): string {
  const length = duration_seconds === null ? "" : ` for ${secondsText(duration_seconds)} each`;
  const when = active ? `is on until ${timeText(span?.until)}` : `begins ${timeText(span?.from)}`;
  return `The maintenance ${window_id} ${when}${length}.`;
}

function whenOf({ from, until, cron, zone, duration }: StartWindowOptions, now: Date): object {
  const starts_at = from === undefined ? undefined : parseMoment(from, "--from");
  const ends_at = until === undefined ? undefined : parseEnd(until, "--until", new Date(starts_at ?? now));
  const duration_seconds = duration === undefined ? undefined : parseSeconds(duration, "--duration");
  if (ends_at === undefined && cron === undefined)
    throw usageError("how long does it take?", "Give --until, or --cron and --duration for one that repeats.");
  // What is undefined is left out of the JSON.
  return { starts_at, ends_at, cron, zone, duration_seconds };
}

/** Everything only for who says so: a forgotten option must not silence a fleet. */
async function selectorOf(client: Client, { agent, label, vm, everything }: StartWindowOptions): Promise<object> {
  if ((agent ?? label ?? vm) === undefined && everything !== true)
    throw usageError("of which hosts?", "Give --agent, --label or --vm, or --everything.");
  const agent_ids = agent === undefined ? undefined : await Promise.all(agent.map((named) => agentIdOf(client, named)));
  return { labels: pairsOf(label ?? [], "--label"), agent_ids, vm_names: vm };
}

export async function endWindow(named: string, globals: Globals): Promise<Answer> {
  const known = { path: PATH, field: "windows", what: "maintenance", command: "holdfast maintenance list" };
  const kind = { ...known, id: ({ window_id }: WindowDocument) => window_id, query: { ended: false } };
  return await tell(
    globals,
    async (client) => client.call<WindowDocument>("POST", `${PATH}/${await idOf(client, kind, named)}/end`),
    (one) => `The maintenance ${plainText(one.name)} has ended.`,
  );
}
