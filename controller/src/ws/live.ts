import type { WebSocket } from "ws";
import type { AgentCertificate } from "../adapters/pki/verify.ts";
import type { Bucket } from "./allowance.ts";
import type { Outlet } from "./outlet.ts";
import type { HubContext } from "./ports.ts";
import type { Refusal, Session, SessionEvent } from "./session.ts";
import type { HubSettings } from "./settings.ts";

export type Peer = { socket: WebSocket; shown: AgentCertificate; source: string };
export type ConnectionEvents = {
  /** A batch waits for its commit. */
  onSubmitted(live: Live): void;
  /** A batch waits no more. */
  onSettled(): void;
  /** Ended from this side, and why. */
  onRefused(live: Live, refusal: Refusal): void;
  onUnknown(live: Live, kind: string): void;
};

/** One agent's WebSocket while it stands. */
export type Live = {
  readonly context: HubContext;
  readonly settings: HubSettings;
  readonly events: ConnectionEvents;
  readonly peer: Peer;
  readonly outlet: Outlet;
  /** Aborted when the connection is gone: what it left in the queue is not worth a commit. */
  readonly gone: AbortController;
  readonly step: (event: SessionEvent) => void;
  session: Session;
  frames: Bucket;
  bytes: Bucket;
  pingedAt: number;
};
