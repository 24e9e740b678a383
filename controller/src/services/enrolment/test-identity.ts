/** A controller's identity services on a store of the test's choice, and hosts that make real requests. */
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import type { EnrolmentAnswer, EnrolmentRequest } from "@holdfast/protocol";
import { type Authority, openAuthority } from "../../adapters/pki/authority.ts";
import { scratch } from "../../adapters/pki/test-authority.ts";
import { type AgentCertificate, readAgentCertificate } from "../../adapters/pki/verify.ts";
import { ANONYMOUS, type Caller } from "../../domain/access.ts";
import type { Store } from "../../store/db.ts";
import type { IdentityContext } from "./context.ts";
import { createToken } from "./create-token.ts";
import { enrol } from "./enrol.ts";

export const NOON = new Date("2026-03-01T12:00:00.000Z");
export const DAY = 24 * 3_600_000;
export const caller: Caller = { actor: ANONYMOUS, requestId: "r-1", source: "192.0.2.1" };

export type Host = { csr: string; key: string };
export type Enrolled = { answer: EnrolmentAnswer; certificate: AgentCertificate; host: Host; token: string };

export type Place = AsyncDisposable & {
  authority: Authority;
  /** Requests by OpenSSL, made once, because keys take long; each bench takes them in this order. */
  hosts: readonly Host[];
};

const HOSTS = 4;

export async function openPlace(): Promise<Place> {
  const place = await scratch();
  const authority = await openAuthority(join(place.folder, "pki"), new Date("2026-01-01T00:00:00Z"));
  const hosts = await Promise.all(Array.from({ length: HOSTS }, () => place.request()));
  return { authority, hosts, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

export type Bench = {
  context: IdentityContext;
  clock: { now: Date };
  token: (lifetimeSeconds?: number) => Promise<string>;
  request: (token: string, host: Host, hostname?: string) => EnrolmentRequest;
  /** A host that this bench did not have yet. */
  host: () => Host;
  /** A host enrolled with a token of its own. */
  enrolled: () => Promise<Enrolled>;
  certificateOf: (chain: string) => AgentCertificate;
  audit: () => Promise<{ action: string; outcome: string; subject: string | null }[]>;
};

export function openBench(place: Place, store: Store): Bench {
  const clock = { now: NOON };
  const { authority } = place;
  const context = { store, authority, now: () => clock.now, agentUrl: "wss://backup.example.org:8444" };
  const left = [...place.hosts];
  const nextHost = (): Host => {
    const host = left.shift();
    if (host === undefined) throw new Error("no host left");
    return host;
  };
  const token = async (lifetimeSeconds?: number): Promise<string> =>
    (await createToken(context, caller, { name: null, lifetimeSeconds: lifetimeSeconds ?? null })).text;
  const request = (text: string, { csr }: Host, hostname = "web"): EnrolmentRequest => ({
    token: text,
    csr,
    hostname,
    platform: "linux x64",
    agent_version: "0.1.0",
  });
  const certificateOf = (chain: string): AgentCertificate => {
    const found = readAgentCertificate(authority, chain);
    if (found === undefined) throw new Error("not an agent's certificate");
    const { certificate: _, ...facts } = found;
    return facts;
  };
  return {
    context,
    clock,
    token,
    request,
    certificateOf,
    host: nextHost,
    async enrolled() {
      const host = nextHost();
      const text = await token();
      const answer = await enrol(context, caller, request(text, host));
      return { answer, certificate: certificateOf(answer.certificate_chain), host, token: text };
    },
    audit: () =>
      store.read(async (db) => {
        const { audit } = db.tables;
        return await db
          .select({ action: audit.action, outcome: audit.outcome, subject: audit.subject })
          .from(audit)
          .orderBy(audit.auditId);
      }),
  };
}

/** As the protocol asks for it: base64, by the old key over the request's text. */
export function signed(csr: string, key: string | KeyObject): string {
  return createSign("sha256").update(csr).sign(key, "base64");
}

export function strangersKey(): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}
