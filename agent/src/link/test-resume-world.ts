/** A spool and a controller that can be rolled back, and connections between them that can be cut anywhere. */
import type { SpoolPlace } from "@holdfast/protocol";
import type { Gap, ResumeReason } from "../spool/row.ts";
import { decideResume } from "./resume.ts";
import type { RollingSpool } from "./test-memory-spool.ts";

/** A side is rolled back to images of its own past only: it never comes back from a future that it gave up. */
export type Step =
  | { do: "append"; count: number }
  /** `cut`: before the controller noted the resume, before its `ready`, or after so many events, of which it told some. */
  | { do: "connect"; cut: "before-noting" | "before-ready" | "in-stream" | "nowhere"; events: number; told: number }
  | { do: "save" | "roll-back"; side: "agent" | "controller"; back: number };

type Epoch = { applied: SpoolPlace; closed: boolean };
type Controller = { epochs: Map<string, Epoch>; applied: string[]; gaps: Gap[] };
/** What this spool has had acknowledged, at which places; `factsToldAfter`: how many of them when facts were owed last. */
type Past = { acknowledged: { epoch: string; seq: number; id: string }[]; factsToldAfter: number };

export type World = {
  spool: RollingSpool;
  controller: Controller;
  past: Past;
  images: { agent: Past[]; controller: Controller[] };
  /** Events of an earlier epoch that a rolled-back controller lost: no frame can name their places any more. */
  beyondNaming: Set<string>;
  reasons: ResumeReason[];
};

export function makeWorld(spool: RollingSpool): World {
  return {
    spool,
    controller: { epochs: new Map(), applied: [], gaps: [] },
    past: { acknowledged: [], factsToldAfter: 0 },
    images: { agent: [], controller: [] },
    beyondNaming: new Set(),
    reasons: [],
  };
}

export function play(world: World, step: Step): void {
  if (step.do === "append") world.spool.append(step.count);
  else if (step.do === "connect") connect(world, step);
  else if (step.do === "save") save(world, step.side);
  else rollBack(world, step.side, step.back);
}

function save({ spool, controller, past, images }: World, side: "agent" | "controller"): void {
  if (side === "agent") spool.save(images.agent.push(structuredClone(past)) - 1);
  else images.controller.push(structuredClone(controller));
}

function rollBack(world: World, side: "agent" | "controller", back: number): void {
  const { images, past, spool } = world;
  images[side].length = Math.max(Math.min(images[side].length, 1), images[side].length - back);
  if (side === "agent") {
    world.past = structuredClone(images.agent.at(-1) ?? past);
    if (images.agent.length > 0) spool.rollBack(images.agent.length - 1);
    return;
  }
  world.controller = structuredClone(images.controller.at(-1) ?? world.controller);
  const { epoch } = spool.place().acknowledged;
  if (world.controller.epochs.has(epoch)) return;
  for (const told of past.acknowledged) if (told.epoch !== epoch) world.beyondNaming.add(told.id);
}

function connect(world: World, { cut, events, told }: Extract<Step, { do: "connect" }>): void {
  const { controller, spool, past } = world;
  const at = begin(world);
  if (cut === "before-noting") return;
  noteResume(controller, at.place, at.gap);
  if (cut === "before-ready") return;
  if (spool.owes()) past.factsToldAfter = past.acknowledged.length;
  const { epoch } = at.place;
  spool.pending(at.place.seq, cut === "in-stream" ? events : 1000).forEach(({ seq, event_id }, index) => {
    apply(controller, { epoch, seq, event_id });
    if (cut === "nowhere" || index < told) acknowledge(world, { epoch, seq, event_id });
  });
}

/** hello, welcome and resume, as the agent carries them out. */
function begin(world: World): { place: SpoolPlace; gap: Gap | null } {
  const { controller, spool } = world;
  const view = spool.place();
  const known = controller.epochs.get(view.acknowledged.epoch);
  const welcome = { applied: known?.applied ?? null, epoch_closed: known?.closed ?? false };
  const decision = decideResume({ ...view, eventIdAt: spool.eventIdAt }, welcome);
  if (decision.do === "give-up") throw new Error(decision.why);
  const { reason, gap } = decision;
  world.reasons.push(reason);
  if (decision.do === "open-epoch") return { place: spool.openEpoch(reason, gap).acknowledged, gap };
  if (reason !== "in-step") spool.owe(reason);
  if (decision.drop !== null) acknowledge(world, decision.drop);
  const { afterSeq } = decision;
  const { epoch } = view.acknowledged;
  return { place: { epoch, seq: afterSeq, event_id: afterSeq === 0 ? null : spool.eventIdAt(afterSeq) }, gap };
}

function acknowledge({ spool, past }: World, place: SpoolPlace): void {
  const { epoch, seq } = spool.place().acknowledged;
  const dropped = spool.pending(seq, place.seq - seq);
  if (!spool.acknowledge(place)) throw new Error(`the spool has no place ${place.seq}`);
  past.acknowledged.push(...dropped.map((event) => ({ epoch, seq: event.seq, id: event.event_id })));
}

/** As the controller does it: one transaction, in which every other epoch of the agent ends. */
function noteResume(controller: Controller, at: SpoolPlace, gap: Gap | null): void {
  if (controller.epochs.get(at.epoch)?.closed) throw new Error(`epoch ${at.epoch} was given up`);
  if (gap !== null) controller.gaps.push(gap);
  for (const epoch of controller.epochs.values()) epoch.closed = true;
  controller.epochs.set(at.epoch, { applied: at, closed: false });
}

function apply(controller: Controller, { epoch, seq, event_id }: SpoolPlace & { event_id: string }): void {
  const known = controller.epochs.get(epoch);
  if (known === undefined || known.closed) throw new Error(`events of epoch ${epoch}, which is not open`);
  if (seq <= known.applied.seq) return;
  if (seq !== known.applied.seq + 1) throw new Error(`event ${seq} after ${known.applied.seq}`);
  known.applied = { epoch, seq, event_id };
  if (!controller.applied.includes(event_id)) controller.applied.push(event_id);
}
