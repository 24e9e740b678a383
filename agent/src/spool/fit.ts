/** An event made to keep the protocol's bounds before it is spooled: what is later found too large would be lost. */
import { type AnyEvent, type EventKind, eventBodies, MAX_EVENT_BYTES } from "@holdfast/protocol";
import { z } from "zod";
import { HoldfastError } from "../errors.ts";

/** Fields that are for people to read, so that a shorter one is still true. All else (ids, digests) is never cut. */
const PROSE = new Set(["message", "remedy", "reason", "outcome", "summary", "subject"]);
/** Lists whose first part is still true; their length is told elsewhere or the whole stands in the host's own log. */
const LISTS = new Set(["findings", "refused"]);

/** What is given up, in halves, when an event is too large as a whole. */
const SHRINKABLE: Partial<Record<EventKind, readonly string[]>> = {
  verification_recorded: ["verification", "findings"],
  drill_recorded: ["drill", "findings"],
  policy_applied: ["refused"],
  command_changed: ["result", "details"],
};

/** seq, event_id, at and the field names around a body. */
const ENVELOPE_BYTES = 200;

export type FittedEvent = { kind: EventKind; body: string; bytes: number };

/**
 * The body as JSON, within its schema and MAX_EVENT_BYTES: long prose is cut, and findings are left out from the end
 * (`findings_total` still counts them). BAD_REQUEST when it cannot be made to fit without making it untrue.
 */
export function fitEvent(event: AnyEvent): FittedEvent {
  let body = parsed(event);
  for (;;) {
    const text = JSON.stringify(body);
    const bytes = envelopeBytes(event.kind, text);
    if (bytes <= MAX_EVENT_BYTES) return { kind: event.kind, body: text, bytes };
    const smaller = shrink(body, SHRINKABLE[event.kind] ?? []);
    if (smaller === null)
      throw new HoldfastError("BAD_REQUEST", {
        message: `an event of kind ${event.kind} is larger than ${MAX_EVENT_BYTES} bytes`,
        remedy: "Tell it in smaller parts.",
        details: `${bytes} bytes`,
      });
    body = smaller;
  }
}

/** How much an event with this body takes on the wire at most. */
export function envelopeBytes(kind: string, body: string): number {
  return Buffer.byteLength(body) + kind.length + ENVELOPE_BYTES;
}

function parsed({ kind, body }: AnyEvent): object {
  const schema: z.ZodType = eventBodies[kind];
  let candidate: object = body;
  // A list that is too long hides what is wrong inside it: hence several rounds.
  for (let round = 0; ; round++) {
    const read = schema.safeParse(candidate);
    if (read.success) return read.data as object;
    if (round === 3)
      throw new HoldfastError("BAD_REQUEST", {
        message: `an event of kind ${kind} is not as the protocol has it`,
        details: z.prettifyError(read.error).slice(0, 2000),
      });
    candidate = cut(candidate, read.error.issues);
  }
}

/** A copy in which what a schema found too long is shortened, where that is allowed. */
function cut(body: object, issues: readonly z.core.$ZodIssue[]): object {
  const copy = structuredClone(body);
  for (const issue of issues) {
    const name = issue.path.findLast((step) => typeof step === "string");
    const isOurs = issue.code === "too_big" && !issue.path.includes("sidecar");
    if (!isOurs || typeof name !== "string" || !(PROSE.has(name) || LISTS.has(name) || issue.path.includes("details")))
      continue;
    change(copy, issue.path, (value) => shortened(value, Number(issue.maximum)));
  }
  return copy;
}

function shortened(value: unknown, maximum: number): unknown {
  if (typeof value === "string") return `${value.slice(0, maximum - 1).toWellFormed()}…`;
  return Array.isArray(value) ? value.slice(0, maximum) : value;
}

/** The body with half of the named list (or none of the named record); null when there is nothing left to give up. */
function shrink(body: object, path: readonly string[]): object | null {
  if (path.length === 0) return null;
  let gaveUp = false;
  const copy = structuredClone(body);
  change(copy, path, (value) => {
    if (value === undefined || value === null) return value;
    gaveUp = !Array.isArray(value) || value.length > 0;
    return Array.isArray(value) ? value.slice(0, value.length >> 1) : undefined;
  });
  return gaveUp ? copy : null;
}

function change(target: unknown, path: readonly PropertyKey[], by: (value: unknown) => unknown): void {
  const [step, ...rest] = path;
  if (step === undefined || typeof target !== "object" || target === null) return;
  const holder = target as Record<PropertyKey, unknown>;
  if (rest.length > 0) change(holder[step], rest, by);
  else holder[step] = by(holder[step]);
}
