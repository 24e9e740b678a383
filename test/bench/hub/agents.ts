/** Agents of the bench: real connections with certificates of their own, and nothing behind them. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { type AgentFrame, type ControllerFrame, type EventEnvelope, PROTOCOLS } from "@holdfast/protocol";
import type { Authority } from "../../../controller/src/adapters/pki/authority.ts";
import { issueAgentCertificate, planAgentCertificate } from "../../../controller/src/adapters/pki/issue.ts";
import { keyFingerprint } from "../../../controller/src/adapters/pki/x509.ts";
import { type AgentSocket, dial } from "../../../controller/src/ws/test-socket.ts";
import { inventory } from "./results.ts";

export type BenchAgent = {
  agentId: string;
  epoch: string;
  seq: number;
  cert: string;
  key: string;
  /** The first attempts of a connection that were sent away. */
  refusals: number;
  socket: AgentSocket | null;
  acknowledged: (seq: number) => void;
};

/** One key for all spares the bench time; each has a certificate of its own. */
export function makeAgents(authority: Authority, count: number): BenchAgent[] {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const request = { publicKey, keyFingerprint: keyFingerprint(publicKey) };
  return Array.from({ length: count }, () => {
    const agentId = randomUUID();
    const { chain } = issueAgentCertificate(authority, planAgentCertificate(request, agentId, new Date()));
    const state = { refusals: 0, socket: null, acknowledged: () => undefined };
    return { agentId, epoch: randomUUID(), seq: 0, cert: chain, key, ...state };
  });
}

/** Comes back until it is let in, as agents do: after a random time that grows. */
export async function connectAgent(agent: BenchAgent, port: number, ca: string): Promise<void> {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    if (await greet(agent, port, ca)) return;
    agent.refusals += 1;
    await pause(wait * (0.5 + Math.random()));
  }
}

/** All of them, so many under way at once; each tells what it protects when it comes for the first time. */
export async function connectAll(
  agents: readonly BenchAgent[],
  port: number,
  ca: string,
  atOnce: number,
): Promise<void> {
  const left = [...agents];
  const worker = async (): Promise<void> => {
    for (let agent = left.pop(); agent !== undefined; agent = left.pop()) {
      await connectAgent(agent, port, ca);
      if (agent.seq === 0) await sendEvents(agent, [inventory(++agent.seq)]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** How many of them stand. */
export function connected(agents: readonly BenchAgent[]): number {
  return agents.filter(({ socket }) => socket !== null && socket.readyState === socket.OPEN).length;
}

export function disconnectAll(agents: readonly BenchAgent[]): void {
  for (const { socket } of agents) socket?.terminate();
}

/** Resolves when everything up to the last one is committed. */
export function sendEvents(agent: BenchAgent, events: readonly EventEnvelope[]): Promise<void> {
  const last = events.at(-1)?.seq ?? 0;
  say(agent.socket, { type: "events", epoch: agent.epoch, events: [...events] });
  return new Promise((resolve) => {
    agent.acknowledged = (seq) => {
      if (seq >= last) resolve();
    };
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function greet(agent: BenchAgent, port: number, ca: string): Promise<boolean> {
  const { cert, key } = agent;
  const socket = dial(port, { ca, cert, key });
  return new Promise((resolve) => {
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    socket.on("open", () => say(socket, helloOf(agent)));
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ControllerFrame;
      if (frame.type === "welcome")
        say(socket, { type: "resume", epoch: agent.epoch, after_seq: agent.seq, reason: "in-step", gap: null });
      if (frame.type === "acknowledged") agent.acknowledged(frame.seq);
      if (frame.type !== "ready") return;
      agent.socket = socket;
      resolve(true);
    });
  });
}

function helloOf({ epoch, seq }: BenchAgent): AgentFrame {
  return {
    type: "hello",
    protocols: [...PROTOCOLS],
    agent_version: "0.1.0",
    hostname: "bench.example",
    platform: "linux x64",
    boot_id: randomUUID(),
    clock: new Date().toISOString(),
    spool: { acknowledged: { epoch, seq, event_id: null }, last_seq: seq },
    policy_version: 0,
  };
}

function say(socket: AgentSocket | null, frame: AgentFrame): void {
  socket?.send(JSON.stringify(frame));
}
