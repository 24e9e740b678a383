/** Strangers and thieves at the HTTPS port of a real controller, while a good agent goes on with its work. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { call } from "../../controller/src/ws/test-link.ts";
import { parseToken } from "../../protocol/src/index.ts";
import { newToken } from "../helpers/fleet-api.ts";
import { sendBigBody, strangers } from "../helpers/fleet-hostile.ts";
import { until } from "../helpers/fleet-process.ts";
import { underSiege } from "../helpers/fleet-siege.ts";

const MIB = 2 ** 20;
const siege = underSiege();

test("plaintext by the hundred", async () => {
  expect(await strangers(siege.httpsPort, 300, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toBe(0);
});

test("ids that climb: in paths, in bodies, in events", async () => {
  for (const path of [
    "backups/..%2f..%2fetc",
    "agents/%2e%2e%2f%2e%2e",
    "chains/../../../etc/passwd",
    "commands/..%5c..",
  ]) {
    const { status } = await siege.fleet.api.call("GET", `/api/v1/${path}`);
    expect([400, 404, 405, 422]).toContain(status);
  }
  const caller = call(siege.agentPort, siege.make(), siege.ca);
  const epoch = randomUUID();
  await caller.greet({ epoch });
  const at = new Date().toISOString();
  const body = {
    repository_id: "../../etc",
    backup_id: "backup-../x-disk0-20260301-030000",
    run_id: null,
    reason: "",
    removed_at: at,
  };
  caller.send({
    type: "events",
    epoch,
    events: [{ seq: 1, event_id: randomUUID(), kind: "backup_removed", at, body }],
  });
  await caller.next("acknowledged");
  caller.socket.terminate();
});

test("bodies of 100 MB are refused as soon as they are too large, whatever length they claim", async () => {
  for (const path of ["/api/v1/enrolment", "/api/v1/commands"])
    for (const lengthTold of [true, false]) {
      const wish = {
        port: siege.httpsPort,
        ca: siege.ca,
        path,
        token: siege.fleet.api.token,
        megabytes: 100,
        lengthTold,
      };
      const { status, sent } = await sendBigBody(wish);
      expect(status === null || status === 413).toBe(true);
      expect(sent).toBeLessThan(60 * MIB);
    }
  await siege.toldWhy("BODY_TOO_LARGE");
});

test("a token that was used, that is over, or that was never made", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-tokens-"));
  const host = { hostname: "thief", platform: "linux x64", agentVersion: "0.1.0", now: () => new Date() };
  const url = `https://127.0.0.1:${siege.httpsPort}`;
  const asHost = (name: string, token: string) =>
    enrol({ ...host, stateDir: join(folder, name), controllerUrl: url, token });
  const used = await newToken(siege.fleet.api);
  await asHost("first", used);
  const over = await newToken(siege.fleet.api);
  endToken(over);
  const made = used.replace(/\.[\w-]{43}\./, `.${"A".repeat(43)}.`);
  for (const [name, token] of [
    ["second", used],
    ["third", over],
    ["fourth", made],
  ] as const)
    await expect(asHost(name, token)).rejects.toMatchObject({
      code: "CONTROLLER_REFUSED",
      details: expect.stringMatching(/^TOKEN_REFUSED/),
    });
  await rm(folder, { recursive: true });
  await until("each is in the log", () => siege.reasons().filter((code) => code === "TOKEN_REFUSED").length === 3);
});

/** Puts a token's end into the past: the shortest life that can be asked for is a minute. */
function endToken(text: string): void {
  const database = new DatabaseSync(join(siege.fleet.place.dataDir, "controller.db"), { timeout: 5000 });
  database
    .prepare("UPDATE enrolment_tokens SET expires_at = 1000 WHERE token_id = ?")
    .run(parseToken(text)?.tokenId ?? "");
  database.close();
}
