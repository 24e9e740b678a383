/** Which agents have told all that waited with them: what such a one has not told did not happen. */
import type { ControlContext } from "../control/context.ts";

export type InStep = {
  /** Looks at the connections; call it every few seconds. */
  look(now: Date): void;
  /** null: it is away, or still telling what happened meanwhile. */
  since(agentId: string): Date | null;
};

/** By then a heartbeat has said how much waits. */
const HEARD_MS = 30_000;
/** One that always has something to tell is taken to be in step at last: otherwise nothing of it could ever be missed. */
const LONGEST_MS = 3_600_000;

export function watchInStep({ links, presence }: Pick<ControlContext, "links" | "presence">): InStep {
  /** With the connection that it was seen on. */
  const known = new Map<string, { connectedSince: number; since: Date }>();
  return {
    look(now) {
      const connected = new Set(links.agents());
      for (const agentId of known.keys()) if (!connected.has(agentId)) known.delete(agentId);
      for (const agentId of connected) {
        const seen = presence.of(agentId);
        if (seen === undefined) continue;
        const connectedSince = seen.connectedSince.getTime();
        if (known.get(agentId)?.connectedSince === connectedSince) continue;
        known.delete(agentId);
        const age = now.getTime() - connectedSince;
        if (age >= LONGEST_MS || (age >= HEARD_MS && seen.waitingEvents === 0))
          known.set(agentId, { connectedSince, since: now });
      }
    },
    since: (agentId) => (links.isConnected(agentId) ? (known.get(agentId)?.since ?? null) : null),
  };
}
