import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openAuthority } from "../adapters/pki/authority.ts";
import { issueServerCertificate, type ServerCertificate } from "../adapters/pki/issue.ts";
import type { ApiEnv } from "./context.ts";
import { type Listener, listenHttps } from "./listener.ts";

let folder: string;
let listener: Listener;
let roots: { internal: string; custom: string };
let internal: ServerCertificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-listener-"));
  const now = new Date();
  const own = await openAuthority(join(folder, "own"), now);
  const other = await openAuthority(join(folder, "other"), now);
  roots = { internal: own.rootPem, custom: other.rootPem };
  internal = issueServerCertificate(own, ["localhost"], now);
  const custom = issueServerCertificate(other, ["holdfast.example.org"], now);
  const app = new Hono<ApiEnv>().get("/", (c) => c.text("here"));
  listener = await listenHttps({ app, host: "127.0.0.1", port: 0, internal: () => internal, custom: () => custom });
});

afterAll(async () => {
  await listener.close(0);
  await rm(folder, { recursive: true, force: true });
});

function shake(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: listener.port, ...options }, () => resolve(socket));
    socket.once("error", reject);
  });
}

it.each(["enrol.holdfast.internal", "ENROL.holdfast.internal"])(
  "%s always gets our own chain, with the root",
  async (servername) => {
    const socket = await shake({ servername, ca: roots.internal, checkServerIdentity: () => undefined });
    const { issuerCertificate: issuing } = socket.getPeerCertificate(true);
    expect(issuing.issuerCertificate.raw.toString("base64")).toBe(roots.internal.replace(/-----.+?-----|\s/g, ""));
    socket.destroy();
  },
);

it("any other name, and none, gets the operator's certificate", async () => {
  (await shake({ servername: "holdfast.example.org", ca: roots.custom })).destroy();
  (await shake({ ca: roots.custom, checkServerIdentity: () => undefined })).destroy();
  await expect(shake({ servername: "holdfast.example.org", ca: roots.internal })).rejects.toMatchObject({
    code: expect.stringMatching(/CERT/),
  });
});

it("speaks TLS 1.2 and 1.3, nothing older and nothing plain", async () => {
  const trusted = { servername: "holdfast.example.org", ca: roots.custom };
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await shake({ ...trusted, minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  }
  const old = { ...trusted, minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await expect(shake(old)).rejects.toThrow();
  const plain = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connectPlain(listener.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
  expect(plain).not.toContain("here");
});

it("a renewed certificate is used from the next handshake on", async () => {
  const before = internal;
  const authority = await openAuthority(join(folder, "own"), new Date());
  internal = issueServerCertificate(authority, ["localhost"], new Date());
  const socket = await shake({ servername: "enrol.holdfast.internal", ca: roots.internal });
  expect(socket.getPeerX509Certificate()?.toString()).toBe(
    internal.cert.slice(0, internal.cert.indexOf("-----END") + 26),
  );
  expect(internal.cert).not.toBe(before.cert);
  socket.destroy();
});

it("does not wait, when it closes, for a peer that has not got as far as TLS", async () => {
  const app = new Hono<ApiEnv>();
  const closing = await listenHttps({ app, host: "127.0.0.1", port: 0, internal: () => internal });
  const stranger = await new Promise<Socket>((resolve) => {
    const socket = connectPlain(closing.port, "127.0.0.1", () => resolve(socket));
  });
  const cut = new Promise((resolve) => stranger.on("error", () => undefined).once("close", resolve));
  // The port has taken the connection once it serves the one that came after it.
  (await shake({ port: closing.port, servername: "localhost", ca: roots.internal })).destroy();
  const begun = performance.now();
  await closing.close(2000);
  await cut;
  expect(performance.now() - begun).toBeLessThan(1500);
});
