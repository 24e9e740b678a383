/** Carries out what the session machine asks for. */
import { ControllerError } from "../errors.ts";
import { findPlace } from "../services/ingest/find-place.ts";
import type { GroupItem } from "../services/ingest/group-item.ts";
import type { Live } from "./live.ts";
import type { Refusal, SessionEffect } from "./session.ts";
import { jittered } from "./settings.ts";

type Doing = SessionEffect["do"];
type Effect<Do extends Doing> = Extract<SessionEffect, { do: Do }>;
type Performers = { [Do in Doing]: (live: Live, effect: Effect<Do>) => void };

const PERFORMERS: Performers = {
  send: ({ outlet }, { frame }) => void outlet.send(frame),
  "find-place": (live, { hello }) =>
    attempt(live, async () => {
      const found = await findPlace(live.context, live.peer.shown.agentId, hello.spool.acknowledged.epoch);
      live.step({ type: "placed", ...found });
    }),
  resume: (live, { hello, resume }) =>
    attempt(live, async () => {
      const outcome = await submit(live, { type: "resumption", agentId: live.peer.shown.agentId, hello, resume }, 0);
      if (outcome.refusal === null) resumed(live, resume);
      else live.step({ type: "refused", refusal: { ...outcome.refusal, retryAfterSeconds: jittered(5) } });
    }),
  begin: (live, { hello }) => {
    const { presence, delivery, policies } = live.context;
    const { agentId } = live.peer.shown;
    presence.connected(agentId);
    attempt(live, () => policies.connected(agentId, hello.policy_version));
    attempt(live, () => delivery.connected(agentId));
  },
  submit: (live, { batch, bytes }) =>
    attempt(live, async () => {
      const { epoch, events } = batch;
      const outcome = await submit(live, { type: "batch", agentId: live.peer.shown.agentId, epoch, events }, bytes);
      if (outcome.place !== null) live.step({ type: "applied", place: outcome.place });
      if (outcome.refusal !== null)
        live.step({ type: "refused", refusal: { ...outcome.refusal, retryAfterSeconds: jittered(5) } });
    }),
  progress: ({ context, peer }, { frame }) => context.presence.progress(peer.shown.agentId, frame.runs),
  heartbeat: ({ context, peer }, { frame }) => context.presence.heartbeat(peer.shown.agentId, frame),
  renew: (live, { csr }) => attempt(live, () => renew(live, csr)),
  "note-unknown": (live, { kind }) => live.events.onUnknown(live, kind),
  close: (live, { refusal }) => {
    live.events.onRefused(live, refusal);
    live.gone.abort(new Error(`the connection was ended: ${refusal.code}`));
    live.outlet.end(refusal);
  },
};

export function perform(live: Live, effect: SessionEffect): void {
  const performer = PERFORMERS[effect.do] as (live: Live, effect: SessionEffect) => void;
  performer(live, effect);
}

function resumed(live: Live, { reason, gap }: Effect<"resume">["resume"]): void {
  const facts = { agent_id: live.peer.shown.agentId, reason, gap };
  if (gap !== null)
    live.context.log.warn(facts, "events of this agent are lost as they were told: one side is an older copy");
  live.step({ type: "resumed" });
}

async function submit(live: Live, item: GroupItem, bytes: number) {
  const answer = live.context.ingest.submit(item, bytes, live.gone.signal);
  live.events.onSubmitted(live);
  try {
    return await answer;
  } finally {
    live.events.onSettled();
  }
}

/** What fails ends the connection: the agent keeps what was not acknowledged, and comes again. */
function attempt(live: Live, task: () => Promise<void>): void {
  task().catch((error: unknown) => {
    if (live.gone.signal.aborted) return;
    live.context.log.error({ agent_id: live.peer.shown.agentId, err: error }, "an agent could not be served");
    live.step({ type: "refused", refusal: refusalOf(error) });
  });
}

function refusalOf(error: unknown): Refusal {
  const known = error instanceof ControllerError ? error : undefined;
  return {
    code: known?.code ?? "INTERNAL_ERROR",
    message: known?.message ?? "the controller could not go on",
    retryAfterSeconds: jittered(known?.retryAfter ?? 10),
  };
}

async function renew({ context, peer, outlet }: Live, csr: string): Promise<void> {
  try {
    const { chain } = await context.identity.renew(peer.shown, csr, peer.source);
    outlet.send({ type: "certificate", chain });
  } catch (error) {
    if (!(error instanceof ControllerError)) throw error;
    outlet.send({ type: "renew_refused", code: error.code, message: error.message });
  }
}
