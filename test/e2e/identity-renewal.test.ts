import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientIdentity, isRenewalDue } from "../../agent/src/identity/client-identity.ts";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { beginRenewal, finishRenewal, renewExpired, tidyIdentity } from "../../agent/src/identity/renew.ts";
import { issueAgentCertificate, planAgentCertificate } from "../../controller/src/adapters/pki/issue.ts";
import { readRequest } from "../../controller/src/adapters/pki/request.ts";
import { verifyAgentCertificate } from "../../controller/src/adapters/pki/verify.ts";
import { renewOverLink } from "../../controller/src/services/certificates/renew-over-link.ts";
import { revokeAgent } from "../../controller/src/services/certificates/revoke-agent.ts";
import { DAY, failure, identityBench } from "../helpers/identity-bench.ts";
import { caller } from "../helpers/identity-server.ts";

const bench = identityBench();

describe("renewal", () => {
  async function enrolled(now?: () => Date) {
    const server = await bench.controller(now === undefined ? {} : { now });
    const { identity } = await enrol(bench.wish(server.url, await server.token(), now === undefined ? {} : { now }));
    return { server, identity };
  }

  it("over the link: a new key, the same agent, one file", async () => {
    const { server, identity } = await enrolled();
    expect(isRenewalDue(identity, new Date(Date.now() + 14 * DAY))).toBe(false);
    expect(isRenewalDue(identity, new Date(Date.now() + 16 * DAY))).toBe(true);
    const { csr } = await beginRenewal(bench.state, new Date());
    expect((await beginRenewal(bench.state, new Date())).csr).toBe(csr);
    const { chain } = await renewOverLink(server.context, caller, { agentId: identity.agentId, fingerprint: "-", csr });
    const next = await finishRenewal(bench.state, chain, new Date());
    expect(next.agentId).toBe(identity.agentId);
    expect(next.key).not.toBe(identity.key);
    expect(await clientIdentity(bench.state)).toEqual(next);
    expect(await bench.files()).toEqual(["identity.json"]);
    await expect(finishRenewal(bench.state, chain, new Date())).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("an answer for another agent, another key, of another authority, expired or of nothing changes nothing", async () => {
    const { server, identity } = await enrolled();
    const { csr } = await beginRenewal(bench.state, new Date());
    const request = readRequest(csr);
    const issue = (agentId: string, of = server.authority, from = request, at = new Date()) =>
      issueAgentCertificate(of, planAgentCertificate(from, agentId, at)).chain;
    const stranger = await bench.controller({ folder: join(bench.folder, "stranger") });
    const answers = [
      issue("11111111-1111-4111-8111-111111111111"),
      issue(identity.agentId, stranger.authority),
      issue(identity.agentId, server.authority, request, new Date(Date.now() - 31 * DAY)),
      identity.cert,
      server.authority.issuingPem,
      "",
      "rubbish",
    ];
    for (const chain of answers)
      await expect(finishRenewal(bench.state, chain, new Date()), chain).rejects.toMatchObject({
        code: "CONTROLLER_UNTRUSTED",
      });
    expect(await clientIdentity(bench.state)).toEqual(identity);
    await finishRenewal(bench.state, issue(identity.agentId), new Date());
  });

  it("a pending key is used for a day, and thrown away when its certificate is in force", async () => {
    await enrolled();
    const { csr } = await beginRenewal(bench.state, new Date());
    expect((await beginRenewal(bench.state, new Date(Date.now() + 2 * DAY))).csr).not.toBe(csr);
    const identity = JSON.parse(await readFile(join(bench.state, "identity", "identity.json"), "utf8")) as {
      private_key: string;
    };
    const pending = join(bench.state, "identity", "pending-renewal.json");
    const text = JSON.parse(await readFile(pending, "utf8")) as object;
    await writeFile(pending, JSON.stringify({ ...text, private_key: identity.private_key }));
    await writeFile(join(bench.state, "identity", "identity.json.00000000.partial"), "half");
    await tidyIdentity(bench.state);
    expect(await bench.files()).toEqual(["identity.json"]);
  });

  it("after the certificate expired: over HTTPS, with the old key", async () => {
    const past = new Date(Date.now() - 100 * DAY);
    const server = await bench.controller();
    const issued = await server.token();
    const { identity } = await enrol(bench.wish(server.url, issued));
    const request = readRequest((await beginRenewal(bench.state, new Date())).csr);
    const expired = issueAgentCertificate(server.authority, planAgentCertificate(request, identity.agentId, past));
    await finishRenewal(bench.state, expired.chain, past);
    expect(verifyAgentCertificate(server.authority, expired.chain, new Date())).toMatchObject({
      code: "CERTIFICATE_EXPIRED",
    });
    const renewed = await renewExpired(bench.state, () => new Date());
    expect(renewed.agentId).toBe(identity.agentId);
    expect(verifyAgentCertificate(server.authority, renewed.cert, new Date())).toMatchObject({ ok: true });
    expect(await clientIdentity(bench.state)).toEqual(renewed);
    await revokeAgent(server.context, caller, { agentId: identity.agentId, reason: "stolen" });
    await expect(renewExpired(bench.state, () => new Date())).rejects.toMatchObject(
      failure("CONTROLLER_REFUSED", /revoked/, /new token/),
    );
    expect(await clientIdentity(bench.state)).toEqual(renewed);
  });

  it("a host that is not enrolled is told so", async () => {
    for (const ask of [
      clientIdentity,
      (at: string) => beginRenewal(at, new Date()),
      (at: string) => renewExpired(at, () => new Date()),
    ])
      await expect(ask(bench.state)).rejects.toMatchObject(failure("NOT_ENROLLED", /not enrolled/, /enroll/));
    await tidyIdentity(bench.state);
  });
});
