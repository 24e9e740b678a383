import type { AgentFrame, EventEnvelope, FrameOf, SpoolPlace } from "@holdfast/protocol";
import type { LinkRefusal, Resume } from "../../domain/spool-place.ts";

export type Hello = Omit<FrameOf<AgentFrame, "hello">, "type">;
export type Batch = { type: "batch"; agentId: string; epoch: string; events: readonly EventEnvelope[] };
export type Resumption = { type: "resumption"; agentId: string; hello: Hello; resume: Resume };
/** What is applied in order, several in one transaction. */
export type GroupItem = Batch | Resumption;

/** `place`: where the epoch stands after the commit. A refusal ends the connection, after what came before it. */
export type Outcome = { place: SpoolPlace | null; refusal: LinkRefusal | null };

/** An event that was committed just now, as the feed tells it. */
export type Committed = {
  cursor: number;
  agentId: string;
  kind: string;
  at: Date;
  subject: string | null;
  body: Record<string, unknown>;
  problem: string | null;
};
