/** Everything that is said on the link, both ways. The first frame of each side settles the version. */
import { z } from "zod";
import { command } from "./command.ts";
import { eventEnvelope } from "./event.ts";
import { hostPolicy } from "./host-policy.ts";
import { count, errorCode, MAX_BATCH_EVENTS, sentence, time, uuid } from "./limits.ts";
import { runProgress } from "./run.ts";

/** A place in a spool; `seq` 0 is before the first event, and then there is no `event_id`. */
export const spoolPlace = z.object({ epoch: uuid, seq: count, event_id: uuid.nullable() });
export type SpoolPlace = z.infer<typeof spoolPlace>;

const pem = z.string().max(16_384);

export const agentFrames = {
  /** The first frame. `protocols`: the oldest and the newest version that is spoken. */
  hello: z.object({
    protocols: z.tuple([count, count]),
    agent_version: z.string().max(50),
    hostname: z.string().max(255),
    platform: z.string().max(100),
    boot_id: uuid,
    clock: time,
    spool: z.object({ acknowledged: spoolPlace, last_seq: count }),
    policy_version: count,
  }),
  /** From where this connection's events go on, after comparing both ends. A gap is what the controller can never get by seq. */
  resume: z.object({
    epoch: uuid,
    /** The seq before the first event that will come. */
    after_seq: count,
    reason: z.enum(["in-step", "new-spool", "spool-behind", "controller-behind"]),
    gap: z
      .object({ epoch: uuid, from_seq: z.number().int().positive(), to_seq: z.number().int().positive() })
      .nullable(),
  }),
  events: z.object({ epoch: uuid, events: z.array(eventEnvelope).min(1).max(MAX_BATCH_EVENTS) }),
  progress: z.object({ runs: z.array(runProgress).min(1).max(100) }),
  heartbeat: z.object({
    clock: time,
    waiting_events: count,
    spool_full: z.boolean(),
    running: z.array(z.string().max(100)).max(100),
  }),
  /** A certificate for a new key, over the live channel; PKCS #10, PEM. */
  renew: z.object({ csr: pem }),
} as const;

export const controllerFrames = {
  welcome: z.object({
    protocol: count,
    controller_version: z.string().max(50),
    clock: time,
    /** The newest place that was applied, in the epoch that hello named; null: nothing of it is known. */
    applied: spoolPlace.nullable(),
    /** hello's epoch was given up before: a spool that still uses it comes from an old image. */
    epoch_closed: z.boolean(),
    heartbeat_seconds: z.number().int().min(1).max(3600),
    /** Batches that may be under way without an acknowledgement. */
    window: z.number().int().min(1).max(64),
  }),
  /** Ends the connection; `retry_after_seconds` null: not before a person did something. */
  refused: z.object({ code: errorCode, message: sentence, retry_after_seconds: z.number().nonnegative().nullable() }),
  /** The resume was noted: events may come. */
  ready: z.looseObject({}).transform(() => ({})),
  /** After the commit: everything up to this place was applied. */
  acknowledged: z.object({ epoch: uuid, seq: count, event_id: uuid.nullable() }),
  /** `was_accepted`: the agent has said so before. One that does not know it has forgotten it, and ends it unbegun. */
  command: z.object({ command, was_accepted: z.boolean().optional() }),
  cancel: z.object({ command_id: uuid }),
  policy: z.object({ policy: hostPolicy }),
  /** The answer to renew: leaf and issuing CA, PEM. */
  certificate: z.object({ chain: z.string().max(65_536) }),
  renew_refused: z.object({ code: errorCode, message: sentence }),
} as const;

export type AgentFrameKind = keyof typeof agentFrames;
export type ControllerFrameKind = keyof typeof controllerFrames;
export type AgentFrame = {
  [Kind in AgentFrameKind]: { type: Kind } & z.infer<(typeof agentFrames)[Kind]>;
}[AgentFrameKind];
export type ControllerFrame = {
  [Kind in ControllerFrameKind]: { type: Kind } & z.infer<(typeof controllerFrames)[Kind]>;
}[ControllerFrameKind];
export type FrameOf<Frame extends { type: string }, Kind extends Frame["type"]> = Extract<Frame, { type: Kind }>;
