import { controllerVersion } from "../version.ts";
import type { Allowance } from "./allowance.ts";
import type { SessionSettings } from "./session.ts";

export type HubSettings = SessionSettings & {
  /** TLS handshakes under way at once, and of one address once half of them are. */
  handshakes: number;
  handshakesOfAddress: number;
  /** Connections that have not come as far as `ready`; more are told to come back (a storm after a restart). */
  greetings: number;
  /** What is not an event: heartbeats, progress, renewals, pings, unknown frames. Events have the window. */
  frames: Allowance;
  /** Bytes of those. */
  bytes: Allowance;
  /** Bytes that may wait for their commit before no more is read; and when reading goes on. */
  pauseBytes: number;
  resumeBytes: number;
  /** Bytes that a peer may leave unread of what is sent to it. */
  unreadBytes: number;
};

const MIB = 1024 * 1024;

export function hubSettings(given: Partial<HubSettings> = {}): HubSettings {
  return {
    version: controllerVersion(),
    heartbeatSeconds: 20,
    window: 8,
    handshakeMs: 15_000,
    handshakes: 256,
    handshakesOfAddress: 64,
    greetings: 128,
    frames: { burst: 400, perSecond: 50 },
    bytes: { burst: 8 * MIB, perSecond: MIB },
    pauseBytes: 64 * MIB,
    resumeBytes: 32 * MIB,
    unreadBytes: 8 * MIB,
    ...given,
  };
}

/** Seconds until a peer may come again: spread, so that those that were sent away together do not come together. */
export function jittered(seconds: number, random: () => number = Math.random): number {
  return Math.ceil(seconds * (0.5 + random()));
}
