import { verify } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { describeApi, START, type TestApi } from "../http/test-api.ts";
import { seedBackup, seedDrill, seedItem, seedRun, seedVerification } from "../http/test-seeds.ts";
import { addLogChannel } from "../services/channels/channels.ts";
import { keepHealth } from "../services/health/keep-health.ts";
import { testCli } from "./test-cli.ts";

const TEN_HOURS_AGO = -600;

/** A machine with a whole restore point of both disks, proven. */
async function seedProven(api: TestApi): Promise<string> {
  const item = await seedItem(api);
  for (const diskId of [0, 1]) {
    const backupId = await seedBackup(api, item, TEN_HOURS_AGO + diskId, { diskId });
    await seedVerification(api, item.agentId, backupId, "passed", TEN_HOURS_AGO + 10);
    await seedDrill(api, item.agentId, backupId, "passed", TEN_HOURS_AGO + 20);
  }
  await seedRun(api, item, "run-20260215-020000-backup-00000000", "completed");
  const endedAt = new Date(START.getTime() + TEN_HOURS_AGO * 60_000);
  await api.store.write((db) => db.update(db.tables.executions).set({ endedAt }).execute());
  await keepHealth(1)(api.context);
  return item.agentId;
}

describeApi("holdfast health and compliance", (api) => {
  it("say what backups are worth, and which digit of 3-2-1-1-0 does not hold", async () => {
    const cli = await testCli(api());
    expect(await cli.read("health", "--items")).toBe("There is no such item.");
    expect(await cli.read("health")).toMatch(/^health +nothing is protected yet\nbackups +not proven: 0 of 0 in seven/);
    await seedProven(api());
    const fleet = await cli.read("health");
    expect(fleet).toMatch(/^health +100 %, good, too new for a trend\nbackups +100 %: 1 of 1 in seven days\n/);
    expect(fleet).toMatch(
      /^items +1: 1 good, 0 warning, 0 critical\nnot proven +0 of 1\n3-2-1-1-0 +holds for 0 of 1$/m,
    );
    expect(await cli.ask("health", "--agent", "host-of-web")).toMatchObject({ score: 1, items: { total: 1 } });
    const item = await cli.read("health", "web");
    expect(item).toMatch(/^newest good +2026-02-15 02:00:00Z, 10 h 0 min old\nnot older than +-$/m);
    expect(item).toMatch(/^restore time +1\.5 s, at worst 1\.5 s \(2 drills\)$/m);
    const items = await cli.read("health", "--no-compliant", "--agent", "host-of-web");
    expect(items).toMatch(/^web +100 %, good +2026-02-15 02:00:00Z .* 1\.5 s +no +web-1 /m);
    expect(await cli.rows("items", "health", "--compliant")).toEqual([]);
    expect(await cli.rows("items", "health", "--band", "critical")).toEqual([]);
    expect(await cli.refusal("health", "aomei:7")).toMatch(/^1 JOB_NOT_FOUND: /);

    const found = await cli.run("compliance", "web");
    expect([found.code, found.document["compliant"]]).toEqual([1, false]);
    expect(found.text).toMatch(/^3-2-1-1-0 +does not hold\ncopies +no: 2 of 3; /);
    expect(found.text).toMatch(/^errors +holds: /m);
    expect(found.text).toMatch(/^main +disk +no +no +no +yes +2026-02-15 02:00:00Z +2026-02-15 02:20:00Z /m);
    const tape = ["repositories", "describe", "main", "--agent", "host-of-web", "--media", "tape"];
    expect(await cli.read(...tape, "--off-site", "--offline")).toBe(
      "The repository main is kept on tape: off site, offline, mutable.",
    );
    expect(await cli.ask(...tape, "--no-offline")).toMatchObject({ media: "tape", off_site: true, offline: false });
    expect((await cli.run("compliance", "web")).text).toMatch(/^main +tape +yes +no +no +yes /m);
    const cloud = { change: "add", copy: "cloud", media: "cloud", off_site: true, immutable: true };
    const better = await cli.run("compliance", "web", "--with", await cli.file({ changes: [cloud] }));
    expect([better.code, better.text]).toEqual([0, expect.stringMatching(/^3-2-1-1-0 +holds until /)]);
  });
});

describeApi("holdfast report and evidence", (api) => {
  it("are files, whole or not there", async () => {
    const cli = await testCli(api());
    const agentId = await seedProven(api());
    const folder = dirname(await cli.file({}));
    const at = (name: string) => join(folder, name);
    const text = (name: string) => readFile(at(name), "utf8");
    expect(await cli.read("report", "fleet", "--output", at("fleet.html"))).toMatch(/fleet\.html: .* KiB\.$/);
    expect(await text("fleet.html")).toMatch(/^<!doctype html>/i);
    const item = await cli.ask("report", "item", "web", "--days", "14", "--output", at("item.CSV"));
    expect(item).toMatchObject({ format: "csv", bytes: Buffer.byteLength(await text("item.CSV")) });
    expect(await text("item.CSV")).toMatch(/\r\n2026-02-15,/);
    await cli.ask("report", "item", "web-1", "--days", "14", "--output", at("item.html"));
    expect(await text("item.html")).toContain("2026-02-02 to 2026-02-15");
    await cli.ask("report", "agent", "host-of-web", "--format", "csv", "--output", at("fleet.html"));
    expect(await text("fleet.html")).toMatch(new RegExp(`^host,.*\r\n.*${agentId}`));
    expect(await cli.refusal("report", "aomei", "7", "--output", at("aomei.html"))).toMatch(/^1 JOB_NOT_FOUND: /);
    expect(await cli.refusal("report", "fleet", "--format", "pdf", "--output", at("x"))).toMatch(/^2 BAD_REQUEST: /);
    expect(await cli.refusal("report", "fleet", "--output", at("none/x"))).toMatch(/^1 NOT_WRITTEN: .*none\/x cannot/);

    const period = ["--from", "2026-02-15", "--until", "2026-02-15T12:00:00Z", "--output", at("pack.json")];
    const told = await cli.read("evidence", ...period, "--public-key", at("evidence.pub"));
    expect(told).toMatch(/\nTo check it: openssl dgst -sha256 -verify \S+evidence\.pub -signature \S+\.sig \S+$/);
    const [pack, signature] = await Promise.all([readFile(at("pack.json")), readFile(at("pack.json.sig"))]);
    expect(verify("sha256", pack, await text("evidence.pub"), signature)).toBe(true);
    expect(JSON.parse(String(pack))).toMatchObject({ verifications: [{ status: "passed" }, {}], drills: [{}, {}] });
    const other = ["--from", "2026-02-16", "--until", "2026-02-15", "--output", at("other.json")];
    expect(await cli.refusal("evidence", ...other)).toMatch(/^2 VALIDATION_ERROR: /);
    expect((await readdir(folder)).filter((name) => /other|aomei|partial/.test(name))).toEqual([]);
  });

  it("are sent by themselves to channels", async () => {
    const cli = await testCli(api());
    await seedProven(api());
    await api().store.write((db) => addLogChannel(db, START));
    const schedules = ["report", "schedule"];
    expect(await cli.read(...schedules, "list")).toBe("No report is sent by itself.");
    const weekly = { name: "weekly", cron: "0 7 * * 1", zone: "Europe/Berlin", channel_ids: ["log"] };
    expect(await cli.read(...schedules, "create", await cli.file(weekly))).toMatch(/ first 2026-02-16 06:00:00Z\.$/);
    const [made] = await cli.rows("report_schedules", ...schedules, "list");
    await cli.ask(...schedules, "change", "weekly", await cli.file({ ...made, days: 30 }));
    expect(await cli.read(...schedules, "list")).toMatch(
      /^weekly +fleet +html +30 +0 7 \* \* 1 \(Europe\/Berlin\) +2026-02-16 06:00:00Z +- /m,
    );
    expect(await cli.read(...schedules, "run", "weekly")).toBe("The report weekly is on its way: one message.");
    expect(await cli.read("channel", "messages", "log")).toMatch(/ report +waiting /);
    expect(await cli.read(...schedules, "remove", "weekly")).toBe("The report weekly is sent no more.");
  });
});
