import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAuthority } from "../adapters/pki/authority.ts";
import { issueServerCertificate } from "../adapters/pki/issue.ts";
import { testCli } from "./test-cli.ts";

/** A controller that has gone mad, whose certificate is in order; an empty folder; `holdfast` for both. */
async function world(answer: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-save-"));
  const pki = await openAuthority(join(folder, "pki"), new Date());
  const server = createServer(issueServerCertificate(pki, ["127.0.0.1"], new Date()), answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const cli = await testCli({ port, root: pki.rootPem, admin: "a-token" });
  const files = async () => (await readdir(folder)).filter((name) => name !== "pki");
  return { cli, files, at: (name: string) => join(folder, name) };
}

const PACK = '{"drills": []}';
const PERIOD = ["--from", "2026-02-14", "--until", "2026-02-15"];

describe("a file that the controller gives", () => {
  it("is not there when the connection was cut, and what bore its name stays", async () => {
    const { cli, files, at } = await world((_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half of it", () => response.destroy());
    });
    await writeFile(at("fleet.html"), "the report of last week");
    expect(await cli.refusal("report", "fleet", "--output", at("fleet.html"))).toMatch(/^1 UNREACHABLE: .* was cut/);
    expect(await cli.refusal("report", "fleet", "--output", at("new.html"))).toMatch(/^1 UNREACHABLE: /);
    expect(await files()).toEqual(["fleet.html"]);
    expect(await readFile(at("fleet.html"), "utf8")).toBe("the report of last week");
  });

  it.each<[string, Record<string, string>]>([
    ["another digest", { "x-holdfast-pack": "ab".repeat(32), "x-holdfast-signature": "AAAA" }],
    ["no digest", {}],
    ["no signature", { "x-holdfast-pack": createHash("sha256").update(PACK).digest("hex") }],
  ])("is no evidence with %s", async (_name, headers) => {
    const { cli, files, at } = await world((_request, response) => {
      response.writeHead(200, headers).end(PACK);
    });
    const told = await cli.refusal("evidence", ...PERIOD, "--output", at("pack.json"));
    expect(told).toBe("1 BAD_ANSWER: what came is not what the controller has signed");
    expect(await files()).toEqual([]);
  });
});
