/** What is not the controller that made the token gets nothing from a host. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { CONTROLLER_NAME, formatToken, parseToken } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { isEnrolled } from "../../agent/src/identity/client-identity.ts";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { newSerial, writeCertificate } from "../../controller/src/adapters/pki/x509.ts";
import { DAY, failure, identityBench } from "../helpers/identity-bench.ts";

const bench = identityBench();
const someToken = (): string =>
  formatToken({
    tokenId: "abcdefghijkl",
    secret: randomBytes(32).toString("base64url"),
    rootFingerprint: "0".repeat(64),
  });

describe("a controller that is not the token's", () => {
  it("another root: nothing was sent to it", async () => {
    const server = await bench.controller();
    const token = parseToken(await server.token());
    if (token === null) throw new Error("no token");
    const forged = formatToken({ ...token, rootFingerprint: "ab".repeat(32) });
    await expect(enrol(bench.wish(server.url, forged))).rejects.toMatchObject(
      failure("CONTROLLER_UNTRUSTED", /not the controller that made the token/, /proxy/),
    );
    expect(server.requests).toEqual([]);
    expect(await isEnrolled(bench.state)).toBe(false);
  });

  it("one that shows the right root, which is public, above a certificate of its own: nothing was sent to it", async () => {
    const real = await bench.controller();
    const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const time = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) };
    const own = {
      commonName: real.authority.issuing.subject.replace(/^.*CN=/s, ""),
      key: keys.privateKey,
      publicKey: keys.publicKey,
    };
    const subject = { commonName: CONTROLLER_NAME };
    const leaf = writeCertificate({
      kind: "serverAuth",
      subject,
      names: [{ dns: CONTROLLER_NAME }],
      publicKey: keys.publicKey,
      issuer: own,
      serial: newSerial(),
      ...time,
    });
    const cert = `${leaf}${real.authority.issuingPem}${real.authority.rootPem}`;
    const key = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const thief = await bench.controller({ folder: join(bench.folder, "thief"), certificate: () => ({ key, cert }) });
    await expect(enrol(bench.wish(thief.url, await real.token()))).rejects.toMatchObject({
      code: "CONTROLLER_UNTRUSTED",
    });
    expect(thief.requests).toEqual([]);
  });

  it("an agent of the same controller that poses as it: nothing was sent to it", async () => {
    const real = await bench.controller();
    const { identity } = await enrol(bench.wish(real.url, await real.token()));
    const cert = `${identity.cert}${real.authority.rootPem}`;
    const thief = await bench.controller({
      folder: join(bench.folder, "thief"),
      certificate: () => ({ key: identity.key, cert }),
    });
    const victim = bench.wish(thief.url, await real.token(), { stateDir: join(bench.folder, "victim") });
    await expect(enrol(victim)).rejects.toMatchObject({ code: "CONTROLLER_UNTRUSTED" });
    expect(thief.requests).toEqual([]);
  });

  it.each([
    ["behind", -3, /not valid yet/],
    ["ahead", 40, /has expired/],
  ])("a clock that is %s is named as the reason", async (_, days, reason) => {
    const at = new Date(Date.now() - days * DAY);
    const server = await bench.controller({ now: () => at });
    await expect(enrol(bench.wish(server.url, await server.token()))).rejects.toMatchObject(
      failure("CONTROLLER_UNTRUSTED", reason, /clocks/),
    );
    expect(server.requests).toEqual([]);
  });
});

describe("a way that does not lead to the controller", () => {
  it("nothing listens, no such name, plain HTTP, a silent end: each is named with what to do", async () => {
    const http = createHttpServer((_, response) => void response.end("hello"));
    const cases: [string, RegExp, RegExp][] = [
      ["https://127.0.0.1:1", /nothing listens there/, /port/],
      ["https://no-such-host.invalid", /no-such-host\.invalid:8443 .* cannot be resolved/, /DNS/],
      [`https://127.0.0.1:${await bench.listening(http)}`, /does not speak TLS/, /proxy/],
      [
        `https://127.0.0.1:${await bench.listening(
          createTcpServer(
            (socket) =>
              void socket
                .once("error", () => undefined)
                .resume()
                .end(),
          ),
        )}`,
        /was cut/,
        /proxy/,
      ],
    ];
    for (const [url, message, remedy] of cases)
      await expect(enrol(bench.wish(url, someToken())), url).rejects.toMatchObject(
        failure("CONTROLLER_UNREACHABLE", message, remedy),
      );
  });

  it("a cancelled wait ends at once", async () => {
    const port = await bench.listening(
      createTcpServer((socket) => void socket.once("error", () => undefined).resume()),
    );
    const abort = new AbortController();
    const asked = enrol(bench.wish(`https://127.0.0.1:${port}`, someToken(), { signal: abort.signal }));
    setTimeout(() => abort.abort(), 200);
    await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it.each([
    ["http://127.0.0.1:8443", "an address"],
    ["127.0.0.1:8443", "an address"],
    ["https://user:secret@host", "an address"],
    ["https://host/path", "an address"],
    ["", "an address"],
  ])("%s is no address", async (url) => {
    await expect(enrol(bench.wish(url, someToken()))).rejects.toMatchObject(failure("BAD_REQUEST", /address/));
  });

  it("a cut token is refused before anything is asked", async () => {
    const cut = someToken().slice(0, -3);
    await expect(enrol(bench.wish("https://127.0.0.1:1", cut))).rejects.toMatchObject(failure("BAD_REQUEST", /token/));
  });
});
