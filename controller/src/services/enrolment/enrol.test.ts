import { formatToken, parseToken } from "@holdfast/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findAgent } from "../../store/agents.ts";
import { listCertificates } from "../../store/certificates.ts";
import { findEnrolmentToken } from "../../store/enrolment-tokens.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { revokeAgent } from "../certificates/revoke-agent.ts";
import { createToken } from "./create-token.ts";
import { enrol } from "./enrol.ts";
import { listTokens } from "./list-tokens.ts";
import { revokeToken } from "./revoke-token.ts";
import { caller, DAY, type Host, NOON, openBench, openPlace, type Place } from "./test-identity.ts";

let place: Place;
let host: Host;
let other: Host;
beforeAll(async () => {
  place = await openPlace();
  [host, other] = place.hosts as [Host, Host];
});
afterAll(() => place[Symbol.asyncDispose]());

const refused = (reason: RegExp) => ({ code: "TOKEN_REFUSED", message: expect.stringMatching(reason) });
const tokenIdOf = (text: string): string => parseToken(text)?.tokenId ?? "";

describeOnBothStores("enrolment", (open) => {
  it("makes a host an agent, once, and writes down everything together", async () => {
    const bench = openBench(place, await open());
    const text = await bench.token();
    const answer = await enrol(bench.context, caller, bench.request(text, host));
    expect(answer).toMatchObject({
      agent_url: "wss://backup.example.org:8444",
      root_certificate: place.authority.rootPem,
      root_fingerprint: place.authority.rootFingerprint,
    });
    const certificate = bench.certificateOf(answer.certificate_chain);
    expect(certificate.agentId).toBe(answer.agent_id);
    await bench.context.store.read(async (db) => {
      expect(await findAgent(db, answer.agent_id)).toMatchObject({ name: "web", state: "enrolled", createdAt: NOON });
      const { agentId, ...facts } = certificate;
      expect(await listCertificates(db, agentId)).toEqual([
        { ...facts, agentId, issuedAt: NOON, revokedAt: null, reason: null },
      ]);
      expect(await findEnrolmentToken(db, tokenIdOf(text))).toMatchObject({ usedBy: agentId, usedAt: NOON });
    });
    expect(await bench.audit()).toEqual([
      { action: "enrolment-tokens.create", outcome: "done", subject: tokenIdOf(text) },
      { action: "enrolment", outcome: "done", subject: answer.agent_id },
    ]);
  });

  it("the same token with the same key gets the same certificate, until half of its time is over", async () => {
    const bench = openBench(place, await open());
    const { answer, host: enrolled, token } = await bench.enrolled();
    const again = () => enrol(bench.context, caller, bench.request(token, enrolled));
    bench.clock.now = new Date(NOON.getTime() + 14 * DAY);
    expect(await again()).toEqual({ ...answer, message: expect.any(String) });
    bench.clock.now = new Date(NOON.getTime() + 16 * DAY);
    await expect(again()).rejects.toMatchObject(refused(/used at 2026-03-01/));
    bench.clock.now = NOON;
    await revokeAgent(bench.context, caller, { agentId: answer.agent_id, reason: "lost" });
    await expect(again()).rejects.toMatchObject(refused(/used at/));
  });

  it("another key with a used token is refused, and that is written down", async () => {
    const bench = openBench(place, await open());
    const { token } = await bench.enrolled();
    await expect(enrol(bench.context, caller, bench.request(token, bench.host()))).rejects.toMatchObject(
      refused(/used at/),
    );
    expect((await bench.audit()).at(-1)).toEqual({
      action: "enrolment",
      outcome: "TOKEN_REFUSED",
      subject: tokenIdOf(token),
    });
  });

  it("of two hosts with one token at once, exactly one becomes an agent", async () => {
    const bench = openBench(place, await open());
    const text = await bench.token();
    const hosts = [host, other, host, other, host, other];
    const results = await Promise.allSettled(
      hosts.map((one, index) => enrol(bench.context, caller, bench.request(text, one, `host-${index}`))),
    );
    const won = results.flatMap((result, index) => (result.status === "fulfilled" ? [{ index, ...result.value }] : []));
    expect(new Set(won.map(({ certificate_chain: chain }) => chain)).size).toBe(1);
    expect(new Set(won.map(({ index }) => hosts[index])).size).toBe(1);
    expect(won).toHaveLength(3);
    const agents = await bench.context.store.read((db) => db.$count(db.tables.agents));
    expect(agents).toBe(1);
  });

  it("an expired, a revoked, an unknown and a foreign token, and a wrong secret: refused", async () => {
    const bench = openBench(place, await open());
    const attempt = (text: string) => enrol(bench.context, caller, bench.request(text, host));
    const late = await bench.token(3600);
    bench.clock.now = new Date(NOON.getTime() + 3_600_000);
    await expect(attempt(late)).rejects.toMatchObject(refused(/ended at 2026-03-01T13:00/));
    const revoked = await bench.token();
    await revokeToken(bench.context, caller, tokenIdOf(revoked));
    await expect(attempt(revoked)).rejects.toMatchObject(refused(/was revoked/));
    const parts = parseToken(await bench.token());
    if (parts === null) throw new Error("no token");
    const wrong = { ...parts, secret: "A".repeat(43) };
    const unknown = { ...parts, tokenId: "unknown-id" };
    for (const one of [wrong, unknown])
      await expect(attempt(formatToken(one))).rejects.toMatchObject(refused(/^the token is not known here$/));
    const foreign = { ...parts, rootFingerprint: "0".repeat(64) };
    await expect(attempt(formatToken(foreign))).rejects.toMatchObject(refused(/another controller/));
    await expect(attempt("hfe1.x")).rejects.toMatchObject({ code: "VALIDATION_ERROR", fields: [{ path: "token" }] });
    expect(await bench.context.store.read((db) => db.$count(db.tables.agents))).toBe(0);
  });

  it("a bad request does not use the token up", async () => {
    const bench = openBench(place, await open());
    const text = await bench.token();
    const bad = { csr: host.csr.replace(/\n[A-Za-z0-9+/]{4}/, "\nAAAA"), key: "" };
    await expect(enrol(bench.context, caller, bench.request(text, bad))).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
    });
    expect((await enrol(bench.context, caller, bench.request(text, host))).agent_id).toMatch(/-/);
  });

  it("tokens are listed without anything that lets a host in, named, limited and revoked", async () => {
    const bench = openBench(place, await open());
    const { row, text } = await createToken(bench.context, caller, { name: "db-1", lifetimeSeconds: 600 });
    const listed = await listTokens(bench.context, { limit: 10 });
    expect(listed.rows).toEqual([row]);
    expect(row.expiresAt).toEqual(new Date(NOON.getTime() + 600_000));
    expect(JSON.stringify(listed)).not.toContain(parseToken(text)?.secret);
    await enrol(bench.context, caller, bench.request(text, host, "its-own-name"));
    const [agent] = await bench.context.store.read((db) => db.select().from(db.tables.agents));
    expect(agent).toMatchObject({ name: "db-1", hostname: "its-own-name" });
    await expect(revokeToken(bench.context, caller, row.tokenId)).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(revokeToken(bench.context, caller, "none")).rejects.toMatchObject({ code: "NOT_FOUND" });
    for (const lifetimeSeconds of [0, 59, 8 * 86_400])
      await expect(createToken(bench.context, caller, { name: null, lifetimeSeconds })).rejects.toMatchObject({
        fields: [{ path: "lifetime_seconds" }],
      });
  });
});
