/** The API for tests: the real application on a real HTTPS port, with actors to call it as. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, afterEach, beforeEach } from "vitest";
import { type Authority, openAuthority } from "../adapters/pki/authority.ts";
import { issueServerCertificate } from "../adapters/pki/issue.ts";
import type { Actor, Caller, Scope } from "../domain/access.ts";
import { tokenIssuer } from "../services/access/tokens.ts";
import { createApiKey } from "../services/api-keys/create.ts";
import { addAgent } from "../store/agents.ts";
import type { Store } from "../store/db.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { createApp } from "./app.ts";
import { type ApiContext, type ApiLimits, apiContext } from "./context.ts";
import { type Listener, listenHttps } from "./listener.ts";

export const START = new Date("2026-02-15T12:00:00.000Z");
const { privateKey } = generateKeyPairSync("ed25519");

export type Json = Record<string, unknown>;
export type Reply = { status: number; body: Json; headers: IncomingHttpHeaders; text: string };
/** `as`: a credential; null: none. Without it the admin's token. `raw`: a body that is sent as it is. */
export type Call = { as?: string | null; body?: unknown; raw?: string; headers?: Record<string, string> };

export type TestApi = {
  context: ApiContext;
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

let authority: Promise<{ authority: Authority; folder: string }> | undefined;

async function makeAuthority() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-api-"));
  return { folder, authority: await openAuthority(folder, new Date()) };
}

/** Registers a suite twice, once for each database; `api()` is the API of the running test. */
export function describeApi(name: string, suite: (api: () => TestApi) => void, limits: Partial<ApiLimits> = {}): void {
  afterAll(async () => {
    if (authority !== undefined) await rm((await authority).folder, { recursive: true, force: true });
    authority = undefined;
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
  authority ??= makeAuthority();
  const pki = (await authority).authority;
  const clock = { now: START };
  const now = () => clock.now;
  const lines: string[] = [];
  const context = testContext(store, now, lines, limits);
  const certificate = issueServerCertificate(pki, ["localhost", "127.0.0.1"], new Date());
  const app = createApp(context);
  const listener = await listenHttps({ app, host: "127.0.0.1", port: 0, internal: () => certificate });
  const inAYear = new Date(START.getTime() + 365 * 86_400_000);
  const admin = await context.issuer.issue({ subject: "admin", scopes: ["admin"], expiresAt: inAYear });
  const call = (method: string, path: string, how: Call = {}) =>
    send({ port: listener.port, ca: pki.rootPem, method, path, admin, how });
  const api: TestApi = {
    ...{ context, store, port: listener.port, root: pki.rootPem, clock, admin, call },
    log: () => lines.join(""),
    get: (path, how) => call("GET", path, how),
    post: (path, body, how) => call("POST", path, { body, ...how }),
    key: async (scopes, agentId = null) => {
      const input = { name: "test", scopes, agentId, networks: [], zone: null, expiresAt: null };
      return (await createApiKey(context, testCaller, input)).text;
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

function testContext(store: Store, now: () => Date, lines: string[], limits: Partial<ApiLimits>): ApiContext {
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
    version: "test",
    limits: { credential: plenty, failures: plenty, enrolment: plenty, agentSeconds: 0.2, ...limits },
    checkAnswers: true,
  });
}

type Sending = { port: number; ca: string; method: string; path: string; admin: string; how: Call };

function send({ port, ca, method, path, admin, how }: Sending): Promise<Reply> {
  const text = how.raw ?? (how.body === undefined ? undefined : JSON.stringify(how.body));
  const credential = how.as === undefined ? admin : how.as;
  const headers = {
    ...(text === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
    ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
    ...how.headers,
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, ca, method, path, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body, body: parse(body) });
      });
    });
    asked.on("error", reject);
    asked.end(text);
  });
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
