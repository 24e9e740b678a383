import { createHash, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ControllerError } from "../../errors.ts";
import { type Authority, openAuthority } from "./authority.ts";
import { issueAgentCertificate, planAgentCertificate } from "./issue.ts";
import { readRequest } from "./request.ts";
import { type Scratch, scratch } from "./test-authority.ts";

const AGENT = "0b7c3a54-6d7e-4f7a-9a55-1f2e3d4c5b6a";
let place: Scratch;
let authority: Authority;
let good: { csr: string; key: string };

beforeAll(async () => {
  place = await scratch();
  authority = await openAuthority(`${place.folder}/pki`, new Date());
  good = await place.request();
});
afterAll(() => place[Symbol.asyncDispose]());

function refusal(csr: string): ControllerError {
  try {
    readRequest(csr);
  } catch (error) {
    if (error instanceof ControllerError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

const derOf = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ""), "base64");
const pemOf = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;

describe("a certificate request", () => {
  it("gives the key that signed it, named by the digest of the key alone", () => {
    const key = createPublicKey(good.key);
    const expected = createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest("hex");
    const request = readRequest(good.csr);
    expect(request.keyFingerprint).toBe(expected);
    expect(request.publicKey.equals(key)).toBe(true);
  });

  it("names, rights and uses that it asks for are not in the certificate", async () => {
    const wishes = [
      "subjectAltName=DNS:enrol.holdfast.internal,URI:urn:holdfast:agent:11111111-1111-4111-8111-111111111111",
    ];
    wishes.push("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign", "extendedKeyUsage=serverAuth");
    const { csr } = await place.request("rsa:2048", ...wishes.flatMap((wish) => ["-addext", wish]));
    const { chain } = issueAgentCertificate(authority, planAgentCertificate(readRequest(csr), AGENT, new Date()));
    const text = await place.openssl("x509", "-in", await place.write("leaf.pem", chain), "-noout", "-text");
    expect(text).toMatch(new RegExp(`Subject: O = Holdfast, CN = ${AGENT}\n`));
    expect(/Subject Alternative Name: *\n(.*)/.exec(text)?.[1]?.trim()).toBe(`URI:urn:holdfast:agent:${AGENT}`);
    expect(/Extended Key Usage: *\n(.*)/.exec(text)?.[1]?.trim()).toBe("TLS Web Client Authentication");
    expect(text).toMatch(/CA:FALSE/);
    expect(text).not.toMatch(/whoever|1111|enrol\.|Certificate Sign/);
  });

  it.each([
    ["a weak key", "rsa:1024", /1024 bits/],
    ["a key a bit too short", "rsa:2040", /2040 bits/],
    ["an elliptic key", "ec", /its key is ec/],
  ])("%s: refused", async (_, kind, reason) => {
    const error = refusal((await place.request(kind)).csr);
    expect(error).toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ path: "csr", message: expect.stringMatching(reason) }],
    });
  });

  it("an exponent of 3, SHA-1 and PSS: refused", async () => {
    expect(refusal((await place.request("rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3")).csr).message).toMatch(
      /exponent/,
    );
    expect(refusal((await place.request("rsa:2048", "-sha1")).csr).message).toMatch(/SHA-256/);
    expect(refusal((await place.request("rsa:2048", "-sigopt", "rsa_padding_mode:pss")).csr).message).toMatch(
      /SHA-256/,
    );
  });

  it("someone else's key under a signature of one's own: refused", async () => {
    const [mine, theirs] = [derOf(good.csr), derOf((await place.request()).csr)];
    const [at, from] = [modulusOf(mine), modulusOf(theirs)];
    theirs.copy(mine, at, from, from + 256);
    expect(refusal(pemOf(mine)).message).toMatch(/does not fit its key/);
  });

  it("a huge key costs no time", () => {
    const modulus = Buffer.alloc(11_000, 0xff);
    const integer = (bytes: Buffer): Buffer => tlv(0x02, Buffer.concat([Buffer.of(0), bytes]));
    const key = tlv(0x30, Buffer.concat([integer(modulus), integer(Buffer.of(1, 0, 1))]));
    const rsa = Buffer.from("300d06092a864886f70d0101010500", "hex");
    const spki = tlv(0x30, Buffer.concat([rsa, tlv(0x03, Buffer.concat([Buffer.of(0), key]))]));
    const body = tlv(0x30, Buffer.concat([Buffer.from("0201003000", "hex"), spki, Buffer.from("a000", "hex")]));
    const algorithm = Buffer.from("300d06092a864886f70d01010b0500", "hex");
    const csr = pemOf(tlv(0x30, Buffer.concat([body, algorithm, tlv(0x03, Buffer.alloc(200, 1))])));
    const start = performance.now();
    expect(refusal(csr).message).toMatch(/88000 bits/);
    expect(performance.now() - start).toBeLessThan(200);
  });

  it.each([
    ["nothing", ""],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
    ["two requests", "twice"],
    ["20 KB", "large"],
    ["deeply nested sequences", pemOf(Buffer.concat(Array.from({ length: 3000 }, () => Buffer.of(0x30, 0x80))))],
  ])("%s: refused", (_, csr) => {
    const text = { twice: `${good.csr}${good.csr}`, large: pemOf(Buffer.alloc(20_000, 0x30)) }[csr] ?? csr;
    expect(refusal(text).code).toBe("VALIDATION_ERROR");
  });

  it("one bit turned anywhere, or a cut: refused, and never by another error", () => {
    const der = derOf(good.csr);
    const damaged = fc.tuple(fc.nat(der.length - 1), fc.nat(7)).map(([at, bit]) => {
      const copy = Buffer.from(der);
      copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      return copy;
    });
    const cut = fc.nat(der.length - 1).map((length) => der.subarray(0, length));
    const anything = fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(anything, (bytes) => void expect(refusal(pemOf(bytes)).code).toBe("VALIDATION_ERROR")),
      {
        numRuns: 2000,
      },
    );
  });
});

/** Where the 256 bytes of an RSA-2048 modulus begin: after its tag, its length and a zero. */
function modulusOf(der: Buffer): number {
  return der.indexOf(Buffer.from("0282010100", "hex")) + 5;
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? Buffer.of(length) : Buffer.of(0x82, length >> 8, length & 0xff);
  return Buffer.concat([Buffer.of(tag), size, content]);
}
