import { randomUUID, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authority, openAuthority } from "./authority.ts";
import { issueAgentCertificate, issueServerCertificate, planAgentCertificate } from "./issue.ts";
import { readRequest } from "./request.ts";
import { keepServerCertificate } from "./server-certificate.ts";
import { type Scratch, scratch } from "./test-authority.ts";
import { verifyAgentCertificate } from "./verify.ts";

const DAY = 24 * 3_600_000;
const now = new Date();
const after = (days: number): Date => new Date(now.getTime() + days * DAY);
let place: Scratch;
let folder: string;
let authority: Authority;

beforeAll(async () => {
  place = await scratch();
  folder = join(place.folder, "data", "pki");
  authority = await openAuthority(folder, now);
});
afterAll(() => place[Symbol.asyncDispose]());

async function issue(agentId: string, at = now, made = place.request()) {
  const { csr, key } = await made;
  const plan = planAgentCertificate(readRequest(csr), agentId, at);
  return { key, plan, ...issueAgentCertificate(authority, plan) };
}

/** What OpenSSL says to a chain (leaf first) for a purpose; rejects when it says no. */
async function opensslVerify(chain: string, purpose: string, ...more: string[]): Promise<string> {
  const root = await place.write("root.pem", authority.rootPem);
  const path = await place.write("chain.pem", chain);
  return await place.openssl(
    "verify",
    "-x509_strict",
    "-CAfile",
    root,
    "-untrusted",
    path,
    "-purpose",
    purpose,
    ...more,
    path,
  );
}

describe("what is made", () => {
  it("OpenSSL accepts an agent's certificate as a client's and as nothing else", async () => {
    const { chain } = await issue(randomUUID());
    expect(await opensslVerify(chain, "sslclient")).toMatch(/: OK/);
    await expect(opensslVerify(chain, "sslserver")).rejects.toThrow(/unsuitable certificate purpose/);
  });

  it("OpenSSL accepts the controller's certificate as a server's of these names, and as nothing else", async () => {
    const { cert } = issueServerCertificate(authority, ["backup.example.org", "192.0.2.7", "::1"], now);
    for (const name of ["backup.example.org", CONTROLLER_NAME])
      expect(await opensslVerify(cert, "sslserver", "-verify_hostname", name)).toMatch(/: OK/);
    for (const address of ["192.0.2.7", "::1"])
      expect(await opensslVerify(cert, "sslserver", "-verify_ip", address)).toMatch(/: OK/);
    await expect(opensslVerify(cert, "sslserver", "-verify_hostname", "other.example.org")).rejects.toThrow(/mismatch/);
    await expect(opensslVerify(cert, "sslclient")).rejects.toThrow(/unsuitable certificate purpose/);
  });

  it("the issuing authority can make no further authority, and the root has the fingerprint that OpenSSL reckons", async () => {
    const path = await place.write("issuing.pem", authority.issuingPem);
    expect(await place.openssl("x509", "-in", path, "-noout", "-ext", "basicConstraints")).toMatch(
      /CA:TRUE, pathlen:0/,
    );
    const root = await place.write("root.pem", authority.rootPem);
    const printed = await place.openssl("x509", "-in", root, "-noout", "-fingerprint", "-sha256");
    expect(printed.split("=")[1]?.trim().replaceAll(":", "").toLowerCase()).toBe(authority.rootFingerprint);
  });

  it("the same plan gives the same certificate again, byte for byte", async () => {
    const { plan, chain } = await issue(randomUUID());
    expect(issueAgentCertificate(authority, plan).chain).toBe(chain);
  });
});

describe("who shows a certificate", () => {
  it("is read from the certificate; times are the caller's", async () => {
    const agentId = randomUUID();
    const { chain, fingerprint, serial, keyFingerprint, notBefore, notAfter } = await issue(agentId);
    const facts = { agentId, fingerprint, serial, keyFingerprint, notBefore, notAfter };
    expect(verifyAgentCertificate(authority, chain, now)).toEqual({ ok: true, ...facts });
    expect(verifyAgentCertificate(authority, new X509Certificate(chain).raw, now)).toEqual({ ok: true, ...facts });
    expect(verifyAgentCertificate(authority, chain, after(29.9))).toMatchObject({ ok: true });
    expect(verifyAgentCertificate(authority, chain, after(30.1))).toMatchObject({
      ok: false,
      code: "CERTIFICATE_EXPIRED",
    });
    expect(verifyAgentCertificate(authority, chain, after(-1))).toMatchObject({ code: "CERTIFICATE_NOT_YET_VALID" });
  });

  it("a certificate of another authority, of ours for a server, our own authorities', or rubbish: refused", async () => {
    const other = await openAuthority(join(place.folder, "other"), now);
    const plan = planAgentCertificate(readRequest((await place.request()).csr), randomUUID(), now);
    const forged = issueAgentCertificate({ ...other, issuing: authority.issuing }, plan).chain;
    const foreign = issueAgentCertificate(other, plan).chain;
    const server = issueServerCertificate(authority, [], now).cert;
    for (const presented of [
      forged,
      foreign,
      server,
      authority.issuingPem,
      authority.rootPem,
      "rubbish",
      Buffer.alloc(9),
    ])
      expect(verifyAgentCertificate(authority, presented, now)).toMatchObject({
        ok: false,
        code: "CERTIFICATE_FOREIGN",
      });
  });
});

describe("the controller's own certificate", () => {
  it("is made anew when half of its time is over, and the server is told", async () => {
    let at = now;
    const news: string[] = [];
    const made = (days: number) => {
      at = after(days);
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const kept = keepServerCertificate(
      authority,
      [],
      () => at,
      ({ cert }) => {
        news.push(cert);
        resolve();
      },
      5,
    );
    const first = kept.current();
    await new Promise((wake) => setTimeout(wake, 40));
    expect(news).toEqual([]);
    made(16);
    await promise;
    kept.stop();
    expect(kept.current().cert).toBe(news[0]);
    expect(kept.current().notAfter.getTime() - first.notAfter.getTime()).toBe(16 * DAY);
  });
});
