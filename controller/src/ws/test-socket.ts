/** What tests and benches outside of this package need of its dependencies. */
import { type Logger, pino } from "pino";
import { WebSocket } from "ws";

export type AgentSocket = WebSocket;
export type SocketIdentity = { ca: string; cert: string; key: string };

/** Begins a connection to the agent port; errors come as events of the socket. */
export function dial(port: number, identity: SocketIdentity): AgentSocket {
  return new WebSocket(`wss://localhost:${port}/link`, { ...identity, perMessageDeflate: false });
}

/** Errors only, to standard error. */
export function errorLog(): Logger {
  return pino({ level: "error" }, pino.destination(2));
}
