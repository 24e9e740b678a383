/** An agent port on real TLS, and agents that speak to it, for tests. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentFrame, type ControllerFrame, decodeControllerFrame, type FrameOf } from "@holdfast/protocol";
import { pino } from "pino";
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import { type Authority, openAuthority } from "../adapters/pki/authority.ts";
import { issueAgentCertificate, issueServerCertificate, planAgentCertificate } from "../adapters/pki/issue.ts";
import { keyFingerprint } from "../adapters/pki/x509.ts";
import type { Store } from "../store/db.ts";
import { type AgentLink, openAgentLink } from "./agent-link.ts";
import type { HubSettings } from "./settings.ts";

export type TestAuthority = AsyncDisposable & { authority: Authority };
export type Identity = { agentId: string; cert: string; key: string };
export type LogLine = Record<string, unknown> & { msg: string };
export type TestHub = {
  link: AgentLink;
  port: number;
  log: LogLine[];
  /** Moves the controller's clock, not the agents'. */
  clock: { ahead: number };
};

export async function testAuthority(): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-link-"));
  const authority = await openAuthority(join(folder, "pki"), new Date());
  return { authority, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A certificate of ours for a new agent; the store learns of it at the first connection. */
export function newIdentity(authority: Authority, agentId: string = randomUUID(), now = new Date()): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const request = { publicKey, keyFingerprint: keyFingerprint(publicKey) };
  const { chain } = issueAgentCertificate(authority, planAgentCertificate(request, agentId, now));
  return { agentId, cert: chain, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

export async function openTestHub(
  authority: Authority,
  store: Store,
  settings: Partial<HubSettings> = {},
): Promise<TestHub> {
  const clock = { ahead: 0 };
  const log: LogLine[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void log.push(JSON.parse(line) as LogLine) });
  const now = () => new Date(Date.now() + clock.ahead);
  const context = { store, authority, now, agentUrl: "wss://localhost", log: logger };
  const { cert, key } = issueServerCertificate(authority, ["localhost"], new Date());
  const link = openAgentLink(context, { cert, key, ca: [authority.rootPem, authority.issuingPem] }, settings);
  const { port } = await link.hub.listen(0, "127.0.0.1");
  return { link, port, log, clock };
}

/** Hubs of one suite, closed before its stores are: call it at the top of the suite. */
export function hubsOn(place: () => TestAuthority) {
  const opened: TestHub[] = [];
  afterEach(async () => {
    for (const hub of opened.splice(0)) await hub.link.close();
  });
  return async (store: Store, settings: Partial<HubSettings> = {}) => {
    const { authority } = place();
    const hub = await openTestHub(authority, store, settings);
    opened.push(hub);
    return {
      ...hub,
      identity: (agentId?: string) => newIdentity(authority, agentId),
      call: (identity = newIdentity(authority), options = {}) => call(hub.port, identity, authority.rootPem, options),
      reasons: () => hub.log.map(({ reason }) => reason),
    };
  };
}

export type Caller = {
  socket: WebSocket;
  /** The next frame of this type; those before it of other types are kept. Rejects when the connection ends. */
  next<Type extends ControllerFrame["type"]>(type: Type): Promise<FrameOf<ControllerFrame, Type>>;
  send(frame: AgentFrame): void;
  say(text: string): void;
  /** The close code and reason. */
  closed: Promise<{ code: number; reason: string }>;
  /** hello and resume, up to ready. */
  greet(spool?: Partial<Spool>): Promise<void>;
};
export type Spool = { epoch: string; acknowledged: number; last: number; policyVersion: number };

export function call(port: number, { cert, key }: Identity, ca: string, options: object = {}): Caller {
  const socket = new WebSocket(`wss://localhost:${port}/link`, { ca, cert, key, perMessageDeflate: false, ...options });
  const waiting: ControllerFrame[] = [];
  let look: () => void = () => undefined;
  let isClosed = false;
  socket.on("message", (data: Buffer) => {
    const decoded = decodeControllerFrame(data.toString());
    if (!("frame" in decoded)) throw new Error(`the controller said nonsense: ${JSON.stringify(decoded)}`);
    waiting.push(decoded.frame);
    look();
  });
  socket.on("error", () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      isClosed = true;
      look();
      resolve({ code, reason: reason.toString() });
    });
  });
  async function next<Type extends ControllerFrame["type"]>(type: Type): Promise<FrameOf<ControllerFrame, Type>> {
    for (;;) {
      const index = waiting.findIndex((frame) => frame.type === type);
      const [frame] = index < 0 ? [] : waiting.splice(index, 1);
      if (frame !== undefined) return frame as FrameOf<ControllerFrame, Type>;
      if (isClosed) throw new Error(`the connection ended before ${type} came`);
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  }
  const say = (text: string) => socket.send(text);
  const send = (frame: AgentFrame) => say(JSON.stringify(frame));
  const opened = new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  opened.catch(() => undefined);
  return {
    socket,
    next,
    send,
    say,
    closed,
    async greet(spool = {}) {
      const { epoch, acknowledged } = { epoch: randomUUID(), acknowledged: 0, ...spool };
      await opened;
      send(hello({ ...spool, epoch }));
      const welcome = await next("welcome");
      const after = Math.max(welcome.applied?.seq ?? 0, acknowledged);
      send({ type: "resume", epoch, after_seq: after, reason: "in-step", gap: null });
      await next("ready");
    },
  };
}

export function hello({
  epoch = randomUUID(),
  acknowledged = 0,
  last = 0,
  policyVersion = 0,
}: Partial<Spool> = {}): AgentFrame {
  return {
    type: "hello",
    protocols: [1, 1],
    agent_version: "0.1.0",
    hostname: "web.example",
    platform: "linux x64",
    boot_id: randomUUID(),
    clock: new Date().toISOString(),
    spool: { acknowledged: { epoch, seq: acknowledged, event_id: null }, last_seq: last },
    policy_version: policyVersion,
  };
}

/** Looks until it holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it never came to hold");
}
