import { createHash, X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { formatToken } from "@holdfast/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Certificates, makeCertificates } from "../../link/test-certificates.ts";
import { testFolder } from "../../spool/test-events.ts";
import type { Api } from "./api.ts";
import { enrolHost } from "./enrol.ts";
import { makeDemoPlace, placeIn, writeAgentConfig } from "./place.ts";

let certificates: Certificates;
let controller: Server;
let asked = 0;

beforeAll(async () => {
  certificates = await makeCertificates();
  const { key, cert } = certificates.server;
  controller = createServer({ key, cert: `${cert}${certificates.ca}` }, (_request, response) => {
    asked += 1;
    const error = asked > 3 ? "too many enrolments" : "the clock of this host is wrong";
    response.writeHead(403, { "content-type": "application/json" });
    response.end(JSON.stringify({ error, code: "TOKEN_REFUSED", details: "", timestamp: new Date().toISOString() }));
  });
  await new Promise<void>((resolve) => controller.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => controller.close(resolve)));

it("a host that is refused with a fresh token as well is not asked about for ever, and says why", async () => {
  using folder = testFolder();
  const place = placeIn(folder.path);
  await makeDemoPlace(place);
  await writeAgentConfig(place, place.sampleDisk);
  const rootFingerprint = createHash("sha256").update(new X509Certificate(certificates.ca).raw).digest("hex");
  const token = formatToken({ tokenId: "a1B2c3d4", secret: "s".repeat(43), rootFingerprint });
  const api = { ask: async () => ({ ok: true, body: { token } }) } as unknown as Api;
  const { port } = controller.address() as AddressInfo;
  const ports = { https: port, agents: port, smtp: 8025 };
  const wish = { api, place, ports, url: `https://127.0.0.1:${port}`, signal: AbortSignal.timeout(30_000) };
  await expect(enrolHost(wish)).rejects.toThrow("the clock of this host is wrong");
  expect(asked).toBe(2);
});
