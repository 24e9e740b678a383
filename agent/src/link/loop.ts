/** Turns the link's machine: events go in one at a time, and what it wants is done before the next. */
import { randomInt } from "node:crypto";
import { type AgentFrame, decodeControllerFrame, encodeFrame } from "@holdfast/protocol";
import { type Conversation, makeConversation } from "./conversation.ts";
import { type Deliveries, makeDeliveries } from "./deliveries.ts";
import { begin, step, wakeAt } from "./machine.ts";
import type { LinkPorts } from "./ports.ts";
import { type LinkSocket, openSocket, type SocketEvents } from "./socket.ts";
import {
  LINK_TIMING,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  type LinkStep,
  type LinkTiming,
} from "./state.ts";

const CHANCES = 1_000_000;

export type Loop = {
  readonly ports: LinkPorts;
  readonly timing: LinkTiming;
  readonly conversation: Conversation;
  readonly deliveries: Deliveries;
  readonly queue: LinkEvent[];
  state: LinkState;
  turning: boolean;
  socket: LinkSocket | undefined;
  /** Counts attempts, so that nothing of an old one is heard. */
  attempt: number;
  /** Why we ended the connection; undefined while we did not. */
  ending: string | undefined;
  timer: NodeJS.Timeout | undefined;
  since: Date;
  lastProblem: string | null;
  onStopped: () => void;
};

export function makeLoop(ports: LinkPorts, onStopped: () => void): Loop {
  const loop: Loop = {
    ports,
    timing: { ...LINK_TIMING, ...ports.timing },
    conversation: makeConversation(ports),
    deliveries: makeDeliveries(ports, {
      onUnfit: (why) => feed(loop, { type: "unfit", why }),
      onNewCertificate: () => feed(loop, { type: "reconnect", why: "a new certificate" }),
      onCrowded: (crowded) => (crowded ? loop.socket?.pause() : loop.socket?.resume()),
    }),
    queue: [],
    ...{ turning: false, socket: undefined, attempt: 0, ending: undefined, timer: undefined, lastProblem: null },
    state: { phase: { at: "waiting", until: 0 }, since: 0, failures: 0 },
    since: ports.now(),
    onStopped,
  };
  return loop;
}

export function startLoop(loop: Loop): void {
  loop.turning = true;
  turn(loop, begin(performance.now()));
  drain(loop);
}

/** Takes an event; it is carried out now, or after the one that is being carried out. */
export function feed(loop: Loop, event: LinkEvent): void {
  loop.queue.push(event);
  if (!loop.turning) drain(loop);
}

function drain(loop: Loop): void {
  loop.turning = true;
  for (let event = loop.queue.shift(); event !== undefined; event = loop.queue.shift()) {
    if (event.type === "closed") loop.lastProblem = event.why;
    turn(loop, step(loop.state, event, performance.now(), loop.timing));
  }
  loop.turning = false;
  wakeLater(loop);
  if (loop.state.phase.at === "stopped") loop.onStopped();
}

function turn(loop: Loop, { state, effects }: LinkStep): void {
  if (state.phase.at !== loop.state.phase.at) loop.since = loop.ports.now();
  loop.state = state;
  for (const effect of effects) {
    try {
      perform(loop, effect);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      loop.ports.log("error", `the link cannot go on: ${why}`);
      loop.queue.push({ type: "unfit", why });
    }
  }
}

function wakeLater(loop: Loop): void {
  clearTimeout(loop.timer);
  const at = wakeAt(loop.state, loop.timing);
  if (at === null) return;
  loop.timer = setTimeout(() => feed(loop, { type: "tick" }), Math.max(0, Math.ceil(at - performance.now())));
}

type Performers = {
  [Kind in LinkEffect["do"]]: (loop: Loop, effect: Extract<LinkEffect, { do: Kind }>) => void;
};

const PERFORMERS: Performers = {
  connect,
  greet: (loop) => say(loop, loop.conversation.hello()),
  decide: ({ queue, conversation }, { welcome }) => {
    queue.push({ type: "decided", resume: conversation.compare(welcome) });
  },
  send: (loop, { frame }) => say(loop, frame),
  "send-batch": sendBatch,
  acknowledge: ({ conversation }, { place }) => conversation.acknowledge(place),
  deliver: ({ deliveries }, { frame }) => deliveries.take(frame),
  begin: ({ ports, deliveries }) => {
    ports.log("info", "the link is up");
    deliveries.settleFacts();
  },
  beat: (loop) => {
    say(loop, loop.conversation.heartbeat());
    loop.socket?.ping();
  },
  close: (loop, { code, reason }) => {
    loop.ending = reason;
    if (loop.socket === undefined) ended(loop, reason);
    else loop.socket.close(code, reason);
  },
  log: ({ ports }, { level, message }) => ports.log(level, message),
};

function perform(loop: Loop, effect: LinkEffect): void {
  const work = PERFORMERS[effect.do] as (loop: Loop, effect: LinkEffect) => void;
  work(loop, effect);
}

function sendBatch(loop: Loop, { epoch, afterSeq }: { epoch: string; afterSeq: number }): void {
  const batch = loop.conversation.batch(epoch, afterSeq);
  const last = batch?.events.at(-1);
  if (batch !== null) say(loop, batch);
  loop.queue.push(last === undefined ? { type: "nothing-left" } : { type: "sent", lastSeq: last.seq });
}

/** Sends a frame; a socket that is full is told to the machine, which sends no more batches until it is drained. */
export function say(loop: Loop, frame: AgentFrame): void {
  const taken = loop.socket?.send(encodeFrame(frame)) ?? true;
  if (!taken) feed(loop, { type: "blocked" });
}

function connect(loop: Loop): void {
  const attempt = ++loop.attempt;
  loop.ending = undefined;
  const mine = <Arguments extends unknown[]>(work: (...given: Arguments) => void) => {
    return (...given: Arguments): void => {
      if (loop.attempt === attempt) work(...given);
    };
  };
  const events: SocketEvents = {
    opened: mine(() => feed(loop, { type: "opened" })),
    text: mine((text: string) => feed(loop, { type: "heard", decoded: decodeControllerFrame(text) })),
    pong: mine(() => feed(loop, { type: "pong" })),
    drained: mine(() => feed(loop, { type: "drained" })),
    closed: mine((why: string) => ended(loop, why)),
  };
  const open = async (): Promise<void> => {
    try {
      const identity = await loop.ports.identity();
      if (loop.attempt === attempt) loop.socket = openSocket(identity, events);
    } catch (error) {
      events.closed(error instanceof Error ? error.message : String(error));
    }
  };
  void open();
}

function ended(loop: Loop, why: string): void {
  loop.socket = undefined;
  loop.attempt += 1;
  feed(loop, { type: "closed", why: loop.ending ?? why, chance: randomInt(CHANCES) / CHANCES });
}
