/** A command's life: which step may follow which. An end is never left, and no step goes back. */
import { COMMAND_ENDS, type CommandChanged, type CommandState } from "@holdfast/protocol";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Without a deadline of its own a command waits so long for its agent (milliseconds). */
export const DEFAULT_DEADLINE_MS = DAY;
/** A connected agent answers at once; past the deadline it gets so long to say that it had begun. */
const ANSWER_MS = 10 * MINUTE;
/** A sent command may have begun on a host that cannot tell; only after so long it counts as never begun. */
const SILENCE_MS = 7 * DAY;

const ORDER: Readonly<Record<CommandState, number>> = {
  queued: 0,
  sent: 1,
  accepted: 2,
  running: 3,
  done: 4,
  refused: 4,
  failed: 4,
  cancelled: 4,
  expired: 4,
};

/** `deadline` and every `now`: milliseconds since 1970. */
export type CommandFacts = { state: CommandState; deadline: number; cancelRequested: boolean };
export type CommandEvent =
  | { type: "sent" }
  | { type: "told"; state: CommandChanged["state"] }
  | { type: "cancel" }
  | { type: "clock"; connected: boolean };
/** What is to be sent to the agent, in this order. */
export type CommandEffect = "command" | "cancel";
export type CommandStep = { facts: CommandFacts; effects: CommandEffect[]; changed: boolean };

export function isCommandEnd(state: CommandState): boolean {
  return COMMAND_ENDS.includes(state);
}

export function stepCommand(facts: CommandFacts, event: CommandEvent, now: number): CommandStep {
  if (isCommandEnd(facts.state)) return stay(facts);
  switch (event.type) {
    case "sent":
      return advance(facts, "sent");
    case "told":
      return advance(facts, event.state);
    case "cancel":
      return cancel(facts);
    case "clock":
      return now > lastMoment(facts, event.connected) ? advance(facts, "expired") : stay(facts);
  }
}

/** What an agent that has just come, or a command that was just queued, makes necessary. */
export function deliveries(facts: CommandFacts, now: number): CommandEffect[] {
  const cancel: CommandEffect[] = facts.cancelRequested ? ["cancel"] : [];
  if (facts.state === "queued") return now > facts.deadline ? [] : ["command"];
  // Asked again even past its deadline: only the agent knows whether it had begun, and says expired if not.
  if (facts.state === "sent") return ["command", ...cancel];
  // An agent that comes back from an older copy of its files would never say how it ended.
  return isCommandEnd(facts.state) ? [] : ["command", ...cancel];
}

/** A queued command was sent by nobody, so its end is ours; once accepted it is the agent's. */
function lastMoment(facts: CommandFacts, connected: boolean): number {
  if (facts.state === "queued") return facts.deadline;
  if (facts.state === "sent") return facts.deadline + (connected ? ANSWER_MS : SILENCE_MS);
  return Number.POSITIVE_INFINITY;
}

function cancel(facts: CommandFacts): CommandStep {
  if (facts.state === "queued") return advance({ ...facts, cancelRequested: true }, "cancelled");
  const changed = !facts.cancelRequested;
  return { facts: { ...facts, cancelRequested: true }, effects: ["cancel"], changed };
}

function advance(facts: CommandFacts, state: CommandState): CommandStep {
  if (ORDER[state] <= ORDER[facts.state]) return stay(facts);
  return { facts: { ...facts, state }, effects: [], changed: true };
}

function stay(facts: CommandFacts): CommandStep {
  return { facts, effects: [], changed: false };
}
