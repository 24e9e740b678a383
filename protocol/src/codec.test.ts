import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAgentFrame, decodeControllerFrame, encodeFrame } from "./codec.ts";
import type { AgentFrame, ControllerFrame } from "./frames.ts";
import { MAX_BATCH_EVENTS, MAX_FRAME_BYTES } from "./limits.ts";

const at = "2026-05-01T10:00:00.000Z";
const place = { epoch: randomUUID(), seq: 3, event_id: randomUUID() };
const event = { seq: 4, event_id: randomUUID(), kind: "log", at, body: {} };
const runProgress = { run_id: "run-20260501-100000-backup-0a1b2c3d", phase: "copy", disk_id: 0, done: 1, total: 2, at };

const FROM_AGENT: AgentFrame[] = [
  {
    type: "hello",
    protocols: [1, 1],
    agent_version: "0.1.0",
    hostname: "web",
    platform: "linux-x64",
    boot_id: randomUUID(),
    clock: at,
    spool: { acknowledged: place, last_seq: 9 },
    policy_version: 0,
  },
  { type: "resume", epoch: place.epoch, after_seq: 3, reason: "in-step", gap: null },
  { type: "events", epoch: place.epoch, events: [event] },
  { type: "progress", runs: [runProgress] },
  { type: "heartbeat", clock: at, waiting_events: 2, spool_full: false, running: [] },
  { type: "renew", csr: "-----BEGIN CERTIFICATE REQUEST-----" },
];

const FROM_CONTROLLER: ControllerFrame[] = [
  {
    type: "welcome",
    protocol: 1,
    controller_version: "0.1.0",
    clock: at,
    applied: place,
    epoch_closed: false,
    heartbeat_seconds: 15,
    window: 4,
  },
  { type: "refused", code: "REVOKED", message: "no", retry_after_seconds: null },
  { type: "ready" },
  { type: "acknowledged", ...place },
  {
    type: "command",
    command: {
      command_id: randomUUID(),
      author: "ann",
      reason: "",
      created_at: at,
      deadline: at,
      kind: "agent.diagnose",
      arguments: {},
    },
  },
  { type: "cancel", command_id: randomUUID() },
  { type: "policy", policy: { version: 1, issued_at: at, repositories: [], items: [] } },
  { type: "certificate", chain: "-----BEGIN CERTIFICATE-----" },
  { type: "renew_refused", code: "REVOKED", message: "no" },
];

describe("frames", () => {
  it.each(FROM_AGENT)("of type $type come back as they were", (frame) => {
    expect(decodeAgentFrame(encodeFrame(frame))).toEqual({ frame });
  });

  it.each(FROM_CONTROLLER)("of type $type come back as they were", (frame) => {
    expect(decodeControllerFrame(encodeFrame(frame))).toEqual({ frame });
  });

  it.each([...FROM_AGENT, ...FROM_CONTROLLER])("of type $type may hold what a newer version adds", (frame) => {
    const text = JSON.stringify({ ...frame, added: { later: [1] } });
    const read = FROM_AGENT.includes(frame as AgentFrame) ? decodeAgentFrame(text) : decodeControllerFrame(text);
    expect(read).toEqual({ frame });
  });

  it("of a kind of a newer version are told apart from what is malformed", () => {
    expect(decodeAgentFrame('{"type":"telepathy","x":1}')).toEqual({ unknown: "telepathy" });
    expect(decodeAgentFrame('{"type":"welcome"}')).toEqual({ unknown: "welcome" });
    expect(decodeAgentFrame('{"type":"__proto__"}')).toEqual({ unknown: "__proto__" });
    expect(decodeAgentFrame('{"type":"toString"}')).toEqual({ unknown: "toString" });
  });

  it.each([
    ["no JSON", "{", "no JSON"],
    ["no object", "[]", "without a type"],
    ["no type", "{}", "without a type"],
    ["a wrong field", '{"type":"events","epoch":"x","events":[]}', "epoch"],
    ["a seq of zero", JSON.stringify({ ...FROM_AGENT[2], events: [{ ...event, seq: 0 }] }), "seq"],
    [
      "too many events",
      JSON.stringify({ ...FROM_AGENT[2], events: Array(MAX_BATCH_EVENTS + 1).fill(event) }),
      "events",
    ],
    ["too much", `{"type":"renew","csr":"${"x".repeat(MAX_FRAME_BYTES)}"}`, "bytes"],
  ])("with %s are malformed", (_what, text, said) => {
    expect(decodeAgentFrame(text)).toEqual({ malformed: expect.stringContaining(said) });
  });

  it("too large for the other side are refused by their writer", () => {
    const body = { text: "ü".repeat(MAX_FRAME_BYTES / 2) };
    const frame: AgentFrame = { type: "events", epoch: place.epoch, events: [{ ...event, body }] };
    expect(() => encodeFrame(frame)).toThrow(RangeError);
  });

  it("are answered for any text, and never thrown at", () => {
    const kinds = fc.constantFrom(...FROM_AGENT.map(({ type }) => type), "x");
    const shaped = fc.record({ type: kinds }).chain((head) => fc.jsonValue().map((rest) => mix(rest, head)));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          shaped.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const [key] = Object.keys(decodeAgentFrame(text));
          expect(["frame", "unknown", "malformed"]).toContain(key);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function mix(rest: unknown, head: object): object {
  return typeof rest === "object" && rest !== null ? { ...rest, ...head } : { ...head, rest };
}
