import type { HttpBindings } from "@hono/node-server";
import type { Logger } from "pino";
import type { TokenIssuer } from "../services/access/tokens.ts";
import type { Telling } from "../services/channels/telling.ts";
import type { Delivery } from "../services/commands/delivery.ts";
import type { IdentityContext } from "../services/enrolment/context.ts";
import type { Evidence } from "../services/evidence/evidence.ts";
import type { Feed } from "../services/feed/feed.ts";
import { type Counters, openCounters } from "../services/metrics/counters.ts";
import { type Heartbeats, openHeartbeats } from "../services/metrics/heartbeats.ts";
import { openProcessMetrics, type ProcessMetrics } from "../services/metrics/process-metrics.ts";
import type { Room } from "../services/metrics/readiness.ts";
import type { Policies } from "../services/policies/policies.ts";
import type { Links } from "../services/presence/links.ts";
import type { Presence } from "../services/presence/presence.ts";
import { type RateLimit, type RateLimiter, rateLimiter } from "./rate-limit.ts";

export type ApiLimits = {
  /** Calls of one credential. */
  credential: RateLimit;
  /** Failed authentications of one source; used up, nothing of that source is looked at. */
  failures: RateLimit;
  /** Enrolments and renewals of one source. */
  enrolment: RateLimit;
  /** An answer that takes longer becomes UNAVAILABLE. */
  requestSeconds: number;
  /** How long a call waits for a connected agent to end a command before it answers 202. */
  agentSeconds: number;
  /** An event stream says that it lives so often, and looks whether its credential does. */
  heartbeatSeconds: number;
  /** An event stream whose reader takes nothing for so long is cut. */
  stalledSeconds: number;
};

const DEFAULT_LIMITS: ApiLimits = {
  credential: { burst: 200, perSecond: 50 },
  failures: { burst: 20, perSecond: 0.2 },
  enrolment: { burst: 20, perSecond: 1 },
  requestSeconds: 30,
  agentSeconds: 5,
  heartbeatSeconds: 15,
  stalledSeconds: 30,
};

/** What the API works with. */
export type ApiContext = IdentityContext & {
  links: Pick<Links, "isConnected" | "disconnect" | "agents">;
  presence: Pick<Presence, "of" | "progressOf">;
  policies: Pick<Policies, "changed">;
  delivery: Pick<Delivery, "queued" | "cancelled">;
  feed: Pick<Feed, "publish" | "subscribe">;
  issuer: TokenIssuer;
  telling: Telling;
  evidence: Evidence;
  log: Logger;
  version: string;
  counters: Counters;
  heartbeats: Heartbeats;
  processMetrics: ProcessMetrics;
  /** Of the data folder's medium. */
  room: () => Promise<Room>;
  limits: ApiLimits;
  limiters: Record<"credential" | "failures" | "enrolment", RateLimiter>;
  /** For tests: every answer is held against its own documentation. */
  checkAnswers?: boolean;
};

export type ApiEnv = { Bindings: HttpBindings };

type Given = Omit<ApiContext, "limiters" | "limits" | "counters" | "heartbeats" | "processMetrics"> & {
  limits?: Partial<ApiLimits>;
};

/** Completes what the API works with by its limits. */
export function apiContext(given: Given): ApiContext {
  const limits = { ...DEFAULT_LIMITS, ...given.limits };
  const limiter = (limit: RateLimit) => rateLimiter(limit, given.now);
  return {
    ...given,
    counters: openCounters(),
    heartbeats: openHeartbeats(),
    processMetrics: openProcessMetrics(),
    limits,
    limiters: {
      credential: limiter(limits.credential),
      failures: limiter(limits.failures),
      enrolment: limiter(limits.enrolment),
    },
  };
}
