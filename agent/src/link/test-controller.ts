/** A small honest controller over real TLS, whose every frame can be tampered with. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureVersion } from "node:tls";
import {
  type AgentFrame,
  type ControllerFrame,
  decodeAgentFrame,
  type EventEnvelope,
  encodeFrame,
  type FrameOf,
  MAX_FRAME_BYTES,
  type SpoolPlace,
} from "@holdfast/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import type { Certificates, KeyPair } from "./test-certificates.ts";

type Epoch = { applied: SpoolPlace; closed: boolean };
/** What happens to a frame: `cut` ends the connection in its place, `drop` loses it. */
export type Fate = "pass" | "cut" | "drop" | "twice";
export type Passing = { from: "agent"; frame: AgentFrame } | { from: "controller"; frame: ControllerFrame };

export type TestController = {
  url: string;
  epochs: Map<string, Epoch>;
  /** Each event once, in the order in which it was applied. */
  applied: EventEnvelope[];
  gaps: FrameOf<AgentFrame, "resume">["gap"][];
  heard: AgentFrame[];
  /** Connections that came through the handshake. */
  connections: number;
  /** May be replaced at any time. */
  fate: (passing: Passing) => Fate;
  settings: { heartbeatSeconds: number; window: number };
  send(frame: ControllerFrame): void;
  /** Any text at all. */
  sendRaw(text: string | Buffer): void;
  pause(): void;
  resume(): void;
  cut(): void;
  /** How the last connections were closed by the agent. */
  closes: string[];
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startController(
  { ca, server }: Pick<Certificates, "ca"> & { server: KeyPair },
  options: { maxVersion?: SecureVersion } = {},
): Promise<TestController> {
  const https = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true, ...options });
  https.on("tlsClientError", () => undefined);
  const sockets = new WebSocketServer({ server: https, maxPayload: MAX_FRAME_BYTES, path: "/link" });
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  const all = (work: (socket: WebSocket) => void): void => {
    for (const socket of sockets.clients) work(socket);
  };
  const controller: TestController = {
    url: `wss://127.0.0.1:${(https.address() as AddressInfo).port}`,
    ...{ epochs: new Map(), applied: [], gaps: [], heard: [], connections: 0, closes: [] },
    fate: () => "pass",
    settings: { heartbeatSeconds: 1, window: 2 },
    send: (frame) => all((socket) => send(controller, socket, frame)),
    sendRaw: (text) => all((socket) => socket.send(text)),
    pause: () => all((socket) => socket.pause()),
    resume: () => all((socket) => socket.resume()),
    cut: () => all((socket) => socket.terminate()),
    [Symbol.asyncDispose]: async () => {
      controller.cut();
      https.closeAllConnections();
      await new Promise((resolve) => https.close(resolve));
    },
  };
  sockets.on("connection", (socket) => {
    controller.connections += 1;
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => controller.closes.push(`${code} ${reason.toString()}`));
    socket.on("message", (data) => hear(controller, socket, data.toString()));
  });
  return controller;
}

function hear(controller: TestController, socket: WebSocket, text: string): void {
  const decoded = decodeAgentFrame(text);
  if (!("frame" in decoded)) throw new Error(`the agent sent ${JSON.stringify(decoded)}`);
  const { frame } = decoded;
  const fate = controller.fate({ from: "agent", frame });
  if (fate === "cut") socket.terminate();
  if (fate === "cut" || fate === "drop") return;
  controller.heard.push(frame);
  for (const answer of answers(controller, frame)) send(controller, socket, answer);
}

function send(controller: TestController, socket: WebSocket, frame: ControllerFrame): void {
  const fate = controller.fate({ from: "controller", frame });
  if (fate === "cut") socket.terminate();
  const times = { pass: 1, twice: 2, drop: 0, cut: 0 }[fate];
  for (let n = 0; n < times; n++) socket.send(encodeFrame(frame));
}

function answers(controller: TestController, frame: AgentFrame): ControllerFrame[] {
  switch (frame.type) {
    case "hello":
      return [welcome(controller, frame)];
    case "resume":
      noteResume(controller, frame);
      return [{ type: "ready" }];
    case "events":
      return [{ type: "acknowledged", ...apply(controller, frame) }];
    default:
      return [];
  }
}

function welcome({ epochs, settings }: TestController, { spool }: FrameOf<AgentFrame, "hello">): ControllerFrame {
  const known = epochs.get(spool.acknowledged.epoch);
  return {
    ...{ type: "welcome", protocol: 1, controller_version: "test", clock: new Date().toISOString() },
    ...{ applied: known?.applied ?? null, epoch_closed: known?.closed ?? false },
    ...{ heartbeat_seconds: settings.heartbeatSeconds, window: settings.window },
  };
}

function noteResume({ epochs, gaps }: TestController, frame: FrameOf<AgentFrame, "resume">): void {
  const { epoch, after_seq: seq, gap } = frame;
  if (epochs.get(epoch)?.closed) throw new Error("a resume of an epoch that was given up");
  if (gap !== null) gaps.push(gap);
  for (const other of epochs.values()) other.closed = true;
  const known = epochs.get(epoch)?.applied;
  epochs.set(epoch, { applied: known?.seq === seq ? known : { epoch, seq, event_id: null }, closed: false });
}

function apply({ epochs, applied }: TestController, { epoch, events }: FrameOf<AgentFrame, "events">): SpoolPlace {
  const known = epochs.get(epoch);
  if (known === undefined || known.closed) throw new Error("events of an epoch that is not open");
  for (const event of events) {
    if (event.seq <= known.applied.seq) continue;
    if (event.seq !== known.applied.seq + 1) throw new Error(`event ${event.seq} after ${known.applied.seq}`);
    known.applied = { epoch, seq: event.seq, event_id: event.event_id };
    if (!applied.some(({ event_id }) => event_id === event.event_id)) applied.push(event);
  }
  return known.applied;
}
