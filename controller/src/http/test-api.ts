/** The API for tests: the real application on a real HTTPS port, with actors to call it as. */
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { ControllerFrame } from "@holdfast/protocol";
import { pino } from "pino";
import { afterAll, afterEach, beforeEach } from "vitest";
import { type Authority, openAuthority } from "../adapters/pki/authority.ts";
import { issueServerCertificate } from "../adapters/pki/issue.ts";
import { secretBox } from "../adapters/secrets/box.ts";
import type { Actor, Caller, Scope } from "../domain/access.ts";
import { tokenIssuer } from "../services/access/tokens.ts";
import { createApiKey } from "../services/api-keys/create.ts";
import { openDelivery } from "../services/commands/delivery.ts";
import { type Evidence, openEvidence } from "../services/evidence/evidence.ts";
import { type Feed, openFeed } from "../services/feed/feed.ts";
import { openPolicies } from "../services/policies/policies.ts";
import { type Links, openLinks } from "../services/presence/links.ts";
import { openPresence, type Presence } from "../services/presence/presence.ts";
import { addAgent } from "../store/agents.ts";
import type { Store } from "../store/db.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { createApp } from "./app.ts";
import { type ApiContext, type ApiLimits, apiContext } from "./context.ts";
import { type Listener, listenHttps } from "./listener.ts";
import { type Call, type Reply, send } from "./test-client.ts";

export const START = new Date("2026-02-15T12:00:00.000Z");
const { privateKey } = generateKeyPairSync("ed25519");

export type TestApi = {
  context: ApiContext;
  /** The connections; what an agent was sent stands in `sent` when `connect` made the connection. */
  links: Links;
  connect: (agentId: string) => ControllerFrame[];
  presence: Presence;
  store: Store;
  port: number;
  root: string;
  /** The clock, which stands until it is set. */
  clock: { now: Date };
  admin: string;
  log: () => string;
  call: (method: string, path: string, call?: Call) => Promise<Reply>;
  get: (path: string, call?: Call) => Promise<Reply>;
  post: (path: string, body?: unknown, call?: Call) => Promise<Reply>;
  /** An API key's text. */
  key: (scopes: Scope[], agentId?: string | null) => Promise<string>;
  /** An enrolled agent's id. */
  agent: (name?: string) => Promise<string>;
};

export const testCaller: Caller = {
  actor: { kind: "token", id: "admin", scopes: ["admin"], agentId: null } satisfies Actor,
  requestId: randomUUID(),
  source: "127.0.0.1",
};

let pkiOfFile: Promise<{ authority: Authority; folder: string }> | undefined;

async function makeAuthority() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-api-"));
  return { folder, authority: await openAuthority(folder, new Date()) };
}

/** Registers a suite twice, once for each database; `api()` is the API of the running test. */
export function describeApi(name: string, suite: (api: () => TestApi) => void, limits: Partial<ApiLimits> = {}): void {
  afterAll(async () => {
    if (pkiOfFile !== undefined) await rm((await pkiOfFile).folder, { recursive: true, force: true });
    pkiOfFile = undefined;
  });
  describeOnBothStores(name, (open) => {
    let api: TestApi | undefined;
    let listener: Listener | undefined;
    beforeEach(async () => {
      const started = await startApi(await open(), limits);
      ({ api, listener } = started);
    });
    afterEach(() => listener?.close(0));
    suite(() => {
      if (api === undefined) throw new Error("the API is there inside a test only");
      return api;
    });
  });
}

async function startApi(store: Store, limits: Partial<ApiLimits>): Promise<{ api: TestApi; listener: Listener }> {
  pkiOfFile ??= makeAuthority();
  const pki = (await pkiOfFile).authority;
  const clock = { now: START };
  const now = () => clock.now;
  const lines: string[] = [];
  const links = openLinks();
  const feed = openFeed({ store });
  const presence = openPresence({ store, now, feed });
  const packs = join((await pkiOfFile).folder, randomUUID());
  const keyFile = join((await pkiOfFile).folder, "evidence.pem");
  const evidence = await openEvidence({ store, now, folder: packs, keyFile, controller: { version: "test" } });
  const context = testContext({ evidence, store, now, lines, limits, pki, links, feed, presence });
  const certificate = issueServerCertificate(pki, ["localhost", "127.0.0.1"], new Date());
  const app = createApp(context);
  const listener = await listenHttps({ app, host: "127.0.0.1", port: 0, internal: () => certificate });
  const inAYear = new Date(START.getTime() + 365 * 86_400_000);
  const admin = await context.issuer.issue({ subject: "admin", scopes: ["admin"], expiresAt: inAYear });
  const call = (method: string, path: string, how: Call = {}) =>
    send({ port: listener.port, ca: pki.rootPem, method, path, admin, how });
  const api: TestApi = {
    ...{ context, links, presence, store, port: listener.port, root: pki.rootPem, clock, admin, call },
    log: () => lines.join(""),
    get: (path, how) => call("GET", path, how),
    post: (path, body, how) => call("POST", path, { body, ...how }),
    key: async (scopes, agentId = null) => {
      const input = { name: "test", scopes, agentId, networks: [], zone: null, expiresAt: null };
      return (await createApiKey(context, testCaller, input)).text;
    },
    connect: (agentId) => {
      const sent: ControllerFrame[] = [];
      links.add(agentId, { send: (frame) => sent.push(frame) > 0, end: () => undefined });
      return sent;
    },
    agent: async (name = "host") => {
      const agentId = randomUUID();
      const facts = { name, hostname: name, platform: "linux", version: "0.1.0", createdAt: clock.now };
      await store.write((db) => addAgent(db, { agentId, ...facts }));
      return agentId;
    },
  };
  return { api, listener };
}

type Parts = {
  evidence: Evidence;
  store: Store;
  now: () => Date;
  lines: string[];
  limits: Partial<ApiLimits>;
  pki: Authority;
  links: Links;
  feed: Feed;
  presence: Presence;
};

function testContext({ evidence, store, now, lines, limits, pki, links, feed, presence }: Parts): ApiContext {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = pino({ level: "info" }, stream);
  const plenty = { burst: 1_000_000, perSecond: 1_000_000 };
  return apiContext({
    store,
    now,
    issuer: tokenIssuer(privateKey, now),
    log,
    authority: pki,
    agentUrl: "wss://localhost:8444",
    links,
    feed,
    delivery: openDelivery({ store, now, links, log }),
    policies: openPolicies({ store, now, links, log }),
    presence,
    telling: { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"] } },
    evidence,
    room: async () => ({ freeBytes: 5e9, totalBytes: 1e10 }),
    version: "test",
    limits: { credential: plenty, failures: plenty, enrolment: plenty, agentSeconds: 0.2, ...limits },
    checkAnswers: true,
  });
}
