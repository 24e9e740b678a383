/** Which agents have told all that waited with them: what such a one has not told did not happen. */
import type { ControlContext } from "../control/context.ts";

export type InStep = {
  /** Looks at the connections; call it every few seconds. */
  look(now: Date): void;
  /** Since when it is, but for absences that are too short to matter; null: it is away, or still telling what happened. */
  since(agentId: string): Date | null;
};

/** By then a heartbeat has said how much waits. */
const HEARD_MS = 30_000;
/** One that always has something to tell is taken to be in step at last: otherwise nothing of it could ever be missed. */
const LONGEST_MS = 3_600_000;
/** Nor may a link that breaks again and again put off what is missed. */
const SHORT_MS = 120_000;

/** `link`: the connection that it was in step on; null: it is not. `outSince`: since when it is here and is not. */
type Stay = { lastHere: Date; link: number | null; since: Date | null; outSince: Date | null };

export function watchInStep({ links, presence }: Pick<ControlContext, "links" | "presence">): InStep {
  const stays = new Map<string, Stay>();
  return {
    look(now) {
      const connected = new Set(links.agents());
      for (const [agentId, stay] of stays)
        if (!connected.has(agentId) && isOver(stay, now)) stays.delete(agentId);
        else if (!connected.has(agentId)) stay.link = null;
      for (const agentId of connected) {
        const seen = presence.of(agentId);
        if (seen === undefined) continue;
        const known = stays.get(agentId);
        const isSame = known?.link === seen.connectedSince.getTime();
        const goesOn = isSame || (known !== undefined && !isOver(known, notAfter(now, seen.connectedSince)));
        stays.set(agentId, stayOf(goesOn ? known : undefined, seen, now));
      }
    },
    since(agentId) {
      const stay = stays.get(agentId);
      return stay !== undefined && stay.link !== null && links.isConnected(agentId) ? stay.since : null;
    },
  };
}

/** It was away until then for longer than may be overlooked. */
function isOver({ lastHere, since }: Stay, until: Date): boolean {
  return until.getTime() - lastHere.getTime() > (since === null ? LONGEST_MS : SHORT_MS);
}

type Seen = { connectedSince: Date; waitingEvents: number };

function stayOf(known: Stay | undefined, { connectedSince, waitingEvents }: Seen, now: Date): Stay {
  const link = connectedSince.getTime();
  // A clock that was set back must not make it wait for what it showed before.
  const since = known?.since == null ? null : notAfter(now, known.since);
  if (known?.link === link) return { lastHere: now, link, since, outSince: null };
  const outSince = notAfter(now, known?.outSince ?? connectedSince);
  const age = now.getTime() - link;
  const isHeard = (age < 0 || age >= HEARD_MS) && waitingEvents === 0;
  if (!isHeard && now.getTime() - outSince.getTime() < LONGEST_MS)
    return { lastHere: now, link: null, since, outSince };
  return { lastHere: now, link, since: since ?? now, outSince: null };
}

function notAfter(now: Date, at: Date): Date {
  return at < now ? at : now;
}
