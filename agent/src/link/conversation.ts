/** What the machine's effects mean for the spool. Each throws when this connection cannot go on. */
import {
  type AgentFrame,
  type ControllerFrame,
  type FrameOf,
  MAX_BATCH_EVENTS,
  MAX_FRAME_BYTES,
  type SpoolPlace,
} from "@holdfast/protocol";
import { helloFrame } from "./hello.ts";
import type { LinkPorts } from "./ports.ts";
import { decideResume, type ResumeDecision } from "./resume.ts";

/** Room for what stands around the events of a frame. */
const BATCH_BYTES = MAX_FRAME_BYTES - 10_000;
const MAX_RUNNING = 100;

export type Conversation = {
  hello(): FrameOf<AgentFrame, "hello">;
  /** Decides from where to go on, and does on the spool what that means. */
  compare(welcome: FrameOf<ControllerFrame, "welcome">): FrameOf<AgentFrame, "resume">;
  /** The next events after a seq; null when none wait. */
  batch(epoch: string, afterSeq: number): FrameOf<AgentFrame, "events"> | null;
  acknowledge(place: SpoolPlace): void;
  heartbeat(): FrameOf<AgentFrame, "heartbeat">;
};

export function makeConversation(ports: LinkPorts): Conversation {
  const { spool, hooks, now } = ports;
  let greeted = "";
  return {
    hello: () => {
      const view = spool.place();
      greeted = view.acknowledged.epoch;
      return helloFrame(view, spool.policy.get()?.version ?? 0, now());
    },
    compare: (welcome) => {
      const view = spool.place();
      if (view.acknowledged.epoch !== greeted) throw new Error("the spool was replaced");
      const decision = decideResume({ ...view, eventIdAt: spool.eventIdAt }, welcome);
      if (decision.do === "give-up") throw new Error(decision.why);
      return { type: "resume", ...carryOut(ports, decision), reason: decision.reason, gap: decision.gap };
    },
    batch: (epoch, afterSeq) => {
      const { epoch: current, events } = spool.pending(afterSeq, MAX_BATCH_EVENTS, BATCH_BYTES);
      if (current !== epoch) throw new Error("the spool was replaced");
      if (events.length === 0) return null;
      if (events[0]?.seq !== afterSeq + 1) throw new Error(`event ${afterSeq + 1} is missing in the spool`);
      return { type: "events", epoch, events };
    },
    acknowledge: (place) => acknowledge(ports, place),
    heartbeat: () => {
      const { waiting, room } = spool.counts();
      const running = hooks.running().slice(0, MAX_RUNNING);
      return {
        type: "heartbeat",
        clock: now().toISOString(),
        waiting_events: waiting,
        spool_full: room === "full",
        running,
      };
    },
  };
}

type Feasible = Exclude<ResumeDecision, { do: "give-up" }>;

/** Durable before the controller hears of it: a cut in between leaves what the next hello can explain. */
function carryOut({ spool, log }: LinkPorts, decision: Feasible): { epoch: string; after_seq: number } {
  if (decision.do === "open-epoch") {
    log("warn", `the spool is behind the controller and begins a new epoch: ${decision.why}`);
    return { epoch: spool.openEpoch(decision.reason, decision.gap).acknowledged.epoch, after_seq: 0 };
  }
  const { reason, gap, drop, afterSeq } = decision;
  if (reason === "controller-behind") log("warn", "the controller is behind: the facts are told again", { gap });
  if (reason !== "in-step") spool.facts.owe(reason);
  if (drop !== null) acknowledge({ spool }, drop);
  return { epoch: spool.place().acknowledged.epoch, after_seq: afterSeq };
}

function acknowledge({ spool }: Pick<LinkPorts, "spool">, place: SpoolPlace): void {
  if (!spool.acknowledge(place)) throw new Error(`event ${place.seq} is not the one that was acknowledged`);
}
