/** The connections that stand, by agent: how the services reach an agent without knowing about sockets. */
import type { ControllerFrame } from "@holdfast/protocol";

export type EndReason = { code: string; message: string; retryAfterSeconds: number | null };
export type Link = {
  /** false: the connection is gone, or the frame is larger than an agent would take. */
  send(frame: ControllerFrame): boolean;
  end(reason: EndReason): void;
};
export type Links = {
  /** The older connection of the same agent is ended: after a cut, an agent is back before its old one is missed. */
  add(agentId: string, link: Link): void;
  /** Nothing happens when another connection has taken its place. */
  remove(agentId: string, link: Link): boolean;
  isConnected(agentId: string): boolean;
  /** true while this very connection is the agent's. */
  isCurrent(agentId: string, link: Link): boolean;
  agents(): string[];
  /** false: not connected. */
  send(agentId: string, frame: ControllerFrame): boolean;
  /** Ends the agent's connection now; false when there is none. */
  disconnect(agentId: string, reason: EndReason): boolean;
};

const REPLACED: EndReason = {
  code: "REPLACED",
  message: "a newer connection of this agent has taken this one's place",
  retryAfterSeconds: null,
};

export function openLinks(): Links {
  const links = new Map<string, Link>();
  return {
    add(agentId, link) {
      const old = links.get(agentId);
      links.set(agentId, link);
      if (old !== link) old?.end(REPLACED);
    },
    remove(agentId, link) {
      return links.get(agentId) === link && links.delete(agentId);
    },
    isConnected: (agentId) => links.has(agentId),
    isCurrent: (agentId, link) => links.get(agentId) === link,
    agents: () => [...links.keys()],
    send: (agentId, frame) => links.get(agentId)?.send(frame) ?? false,
    disconnect(agentId, reason) {
      const link = links.get(agentId);
      link?.end(reason);
      return link !== undefined;
    },
  };
}
