/** The connections that stand, by agent: how the services reach an agent without knowing about sockets. */
import type { ControllerFrame } from "@holdfast/protocol";

export type EndReason = { code: string; message: string; retryAfterSeconds: number | null };
export type Link = {
  /** false: the connection is gone, or the frame is larger than an agent would take. */
  send(frame: ControllerFrame): boolean;
  end(reason: EndReason): void;
};
export type Links = {
  /** It is being let in: not yet the agent's connection, but ended with it. */
  expect(agentId: string, link: Link): void;
  /** It was let in. The older connection of the same agent is ended: after a cut, an agent is back before its old one is missed. */
  add(agentId: string, link: Link): void;
  /** It is gone. false: it was not the agent's connection, or another has taken its place. */
  remove(agentId: string, link: Link): boolean;
  isConnected(agentId: string): boolean;
  agents(): string[];
  /** false: not connected. */
  send(agentId: string, frame: ControllerFrame): boolean;
  /** Ends all connections of the agent now, also one that is just being let in; false when there is none. */
  disconnect(agentId: string, reason: EndReason): boolean;
};

const REPLACED: EndReason = {
  code: "REPLACED",
  message: "a newer connection of this agent has taken this one's place",
  retryAfterSeconds: null,
};

export function openLinks(): Links {
  const links = new Map<string, Link>();
  const coming = new Map<string, Set<Link>>();

  function come(agentId: string, link: Link): void {
    const others = coming.get(agentId);
    others?.delete(link);
    if (others?.size === 0) coming.delete(agentId);
  }

  return {
    expect: (agentId, link) => void coming.set(agentId, (coming.get(agentId) ?? new Set()).add(link)),
    add(agentId, link) {
      come(agentId, link);
      const old = links.get(agentId);
      links.set(agentId, link);
      if (old !== link) old?.end(REPLACED);
    },
    remove(agentId, link) {
      come(agentId, link);
      return links.get(agentId) === link && links.delete(agentId);
    },
    isConnected: (agentId) => links.has(agentId),
    agents: () => [...links.keys()],
    send: (agentId, frame) => links.get(agentId)?.send(frame) ?? false,
    disconnect(agentId, reason) {
      const link = links.get(agentId);
      const all = [...(coming.get(agentId) ?? []), ...(link === undefined ? [] : [link])];
      for (const each of all) each.end(reason);
      return all.length > 0;
    },
  };
}
