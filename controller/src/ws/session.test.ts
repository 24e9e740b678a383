import { type AgentFrame, decodeAgentFrame } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  openSession,
  type Phase,
  type Session,
  type SessionEvent,
  type SessionSettings,
  stepSession,
} from "./session.ts";

const [EPOCH, OTHER] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"] as const;
const settings: SessionSettings = { version: "1.0.0", heartbeatSeconds: 20, window: 2, handshakeMs: 10_000 };
const time = "2026-03-01T03:00:00Z";
const place = { epoch: EPOCH, seq: 0, event_id: null };

const hello = {
  type: "hello",
  protocols: [1, 1],
  agent_version: "1",
  hostname: "h",
  platform: "p",
  boot_id: OTHER,
  clock: time,
  spool: { acknowledged: place, last_seq: 0 },
  policy_version: 0,
} satisfies AgentFrame;
const events = { type: "events", epoch: EPOCH, events: [{ seq: 1, event_id: OTHER, kind: "log", at: time, body: {} }] };
const FRAMES: Record<string, object> = {
  hello,
  "hello-of-9": { ...hello, protocols: [9, 9] },
  resume: { type: "resume", epoch: EPOCH, after_seq: 0, reason: "in-step", gap: null },
  events,
  "events-of-other": { ...events, epoch: OTHER },
  heartbeat: { type: "heartbeat", clock: time, waiting_events: 0, spool_full: false, running: [] },
  renew: { type: "renew", csr: "x" },
  progress: {
    type: "progress",
    runs: [{ run_id: "run-20260301-030000-backup-00000000", phase: "a", disk_id: null, done: 0, total: 1, at: time }],
  },
  dance: { type: "dance" },
  wrong: { type: "resume" },
};
const PHASES: Record<string, Phase> = {
  hello: { at: "hello" },
  placing: { at: "placing", hello },
  resume: { at: "resume", hello },
  resuming: { at: "resuming", hello, epoch: EPOCH },
  streaming: { at: "streaming", epoch: EPOCH, outstanding: 0 },
  full: { at: "streaming", epoch: EPOCH, outstanding: 2 },
  closed: { at: "closed" },
};

/** `phase event -> phase: effects`; an event is a frame, or `!` and what came from inside. */
const TABLE = [
  "hello hello -> placing: find-place",
  "hello hello-of-9 -> closed: close:PROTOCOL_VERSION",
  "hello resume -> closed: close:OUT_OF_ORDER",
  "hello events -> closed: close:OUT_OF_ORDER",
  "hello dance -> hello: note-unknown",
  "hello wrong -> closed: close:MALFORMED_FRAME",
  "hello !tick@9 -> hello:",
  "hello !tick@11 -> closed: close:TIMED_OUT",
  "placing !placed -> resume: send:welcome",
  "placing hello -> closed: close:OUT_OF_ORDER",
  "placing resume -> closed: close:OUT_OF_ORDER",
  "placing !tick@11 -> placing:",
  "resume resume -> resuming: resume",
  "resume heartbeat -> closed: close:OUT_OF_ORDER",
  "resume !tick@11 -> closed: close:TIMED_OUT",
  "resume !placed -> resume:",
  "resuming !resumed -> streaming: send:ready begin",
  "resuming events -> closed: close:OUT_OF_ORDER",
  "resuming !refused -> closed: close:NO",
  "streaming events -> streaming: submit",
  "streaming events-of-other -> closed: close:EPOCH_NOT_OPEN",
  "full events -> closed: close:WINDOW_EXCEEDED",
  "full !applied -> streaming: send:acknowledged",
  "streaming heartbeat -> streaming: heartbeat",
  "streaming progress -> streaming: progress",
  "streaming renew -> streaming: renew",
  "streaming resume -> closed: close:OUT_OF_ORDER",
  "streaming dance -> streaming: note-unknown",
  "streaming !tick@59 -> streaming:",
  "streaming !tick@61 -> closed: close:TIMED_OUT",
  "closed events -> closed:",
  "closed !refused -> closed:",
  "closed !resumed -> closed:",
];

it.each(TABLE)("%s", (line) => {
  const [, from = "", word = "", to = "", effects = ""] = /^(\S+) (\S+) -> (\w+): ?(.*)$/.exec(line) ?? [];
  const phase = PHASES[from];
  if (phase === undefined) throw new Error(`no phase ${from}`);
  const { event, now } = eventOf(word);
  const step = stepSession({ phase, since: 0, heard: 0 }, event, now, settings);
  expect(step.session.phase.at).toBe(to);
  expect(step.effects.map(nameOf)).toEqual(effects === "" ? [] : effects.split(" "));
});

it("a pong keeps a silent agent", () => {
  const streaming: Session = { phase: { at: "streaming", epoch: EPOCH, outstanding: 0 }, since: 0, heard: 0 };
  const ponged = stepSession(streaming, { type: "pong" }, 50_000, settings).session;
  expect(stepSession(ponged, { type: "tick" }, 100_000, settings).session.phase.at).toBe("streaming");
});

it("whatever is said in whatever order: nothing but a greeting in order leads to streaming, and an end is an end", () => {
  const words = fc.constantFrom(...Object.keys(FRAMES), "!placed", "!resumed", "!applied", "!refused", "!tick@0");
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (said) => {
      let session = openSession(0);
      const done: string[] = [];
      for (const word of said) {
        const wasClosed = session.phase.at === "closed";
        const step = stepSession(session, eventOf(word).event, 0, settings);
        if (wasClosed) expect(step.effects).toEqual([]);
        session = step.session;
        done.push(...step.effects.map(nameOf));
      }
      const submitted = done.indexOf("submit");
      if (submitted >= 0)
        expect(done.slice(0, submitted).filter((name) => /find-place|welcome|resume|ready/.test(name))).toEqual([
          "find-place",
          "send:welcome",
          "resume",
          "send:ready",
        ]);
      if (session.phase.at === "streaming") expect(session.phase.outstanding).toBeLessThanOrEqual(settings.window);
    }),
  );
});

function eventOf(word: string): { event: SessionEvent; now: number } {
  if (!word.startsWith("!"))
    return { event: { type: "heard", decoded: decodeAgentFrame(JSON.stringify(FRAMES[word])), bytes: 1 }, now: 0 };
  const [name, seconds = "0"] = word.slice(1).split("@");
  const inside: Record<string, SessionEvent> = {
    placed: { type: "placed", applied: null, epochClosed: false },
    resumed: { type: "resumed" },
    applied: { type: "applied", place },
    refused: { type: "refused", refusal: { code: "NO", message: "no", retryAfterSeconds: null } },
    tick: { type: "tick" },
  };
  const event = inside[name ?? ""];
  if (event === undefined) throw new Error(`no event ${word}`);
  return { event, now: Number(seconds) * 1000 };
}

function nameOf(effect: ReturnType<typeof stepSession>["effects"][number]): string {
  if (effect.do === "send") return `send:${effect.frame.type}`;
  return effect.do === "close" ? `close:${effect.refusal.code}` : effect.do;
}
