import { expect, it } from "vitest";
import { describeApi } from "../http/test-api.ts";
import { seedFulls, seedProtected } from "../http/test-retention.ts";
import { testCli } from "./test-cli.ts";

const nightly = {
  name: "nightly",
  selector: { labels: {} },
  backup: { schedule: { cron: "0 3 * * *", zone: "Europe/Berlin", jitter_seconds: 600 } },
  verify: { mode: "scheduled", schedule: { cron: "0 12 * * 7", zone: "UTC" }, which: "stalest" },
  retention: { keep_last: 4, min_points: 2, zone: "UTC" },
  targets: { rpo_seconds: 93_600 },
};

describeApi("holdfast policy", (api) => {
  it("checks, previews, makes, shows, changes and retires one", async () => {
    const cli = await testCli(api());
    const item = await seedProtected(api());
    await seedFulls(api(), item, 5);
    expect(await cli.read("policy", "list")).toContain("`holdfast policy create FILE`");
    const file = await cli.file(nightly);
    const [wrong, sound] = [
      await cli.run("policy", "check", await cli.file({ ...nightly, name: "", colour: 1 })),
      file,
    ];
    expect([wrong.code, wrong.text]).toEqual([2, expect.stringMatching(/^name: .*\n.*colour/)]);
    expect(wrong.document).toMatchObject({ problems: [{ path: "name" }, {}] });
    expect(await cli.read("policy", "check", sound)).toBe("Nothing is wrong with it.");

    const before = await cli.read("policy", "preview", file, "--runs", "60", "--from", "2026-03-27");
    expect(before).toMatch(/^2026-03-28 03:00 \+01:00 +backup$/m);
    expect(before).toMatch(/^2026-03-29 03:00 \+02:00 +backup +the clocks went forward$/m);
    expect(before).toMatch(/^Items: 1: web \(web-1\)\nRetention would now remove 2 backups and keep 4\.$/m);

    const { policy_id } = await cli.ask("policy", "create", file, "--reason", "first");
    expect(await cli.read("policy", "list", "--enabled")).toMatch(/^nightly +on +1 +100 +everything +0 3 \* \* \* /m);
    expect(await cli.rows("policies", "policy", "list", "--disabled")).toEqual([]);
    const shown = await cli.read("policy", "show", "nightly");
    expect(shown).toMatch(/^backup +0 3 \* \* \* \(Europe\/Berlin\), up to 10 min 0 s later$/m);
    expect(shown).toMatch(/^verification +0 12 \* \* 7 \(UTC\), the stalest\ndrill +after each backup$/m);
    expect(shown).toMatch(/^retention +keeps the newest 4, and 2 at least\nrestore point +not older than 26 h 0 min$/m);

    const again = await cli.ask("policy", "show", String(policy_id));
    const changed = await cli.file({ ...again, enabled: false });
    expect(await cli.read("policy", "preview", "nightly", "--with", changed)).toMatch(/^Leaving it: 1: web/m);
    const black = [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: "03:05", until: "04:00" }];
    const late = { cron: "0 3 * * *", zone: "UTC", jitter_seconds: 600, blackouts: black };
    const warned = await cli.read("policy", "preview", await cli.file({ name: "late", backup: { schedule: late } }));
    expect(warned).toMatch(/^Warning: By its jitter about 50 % of the runs of backup would fall into a blackout/m);
    expect(await cli.read("policy", "items", "nightly", "--agent", item.agentId)).toMatch(/^web-1 +the selector /m);
    expect(await cli.ask("policy", "change", "nightly", changed, "--reason", "pause")).toMatchObject({ version: 2 });
    expect(await cli.refusal("policy", "change", "nightly", changed)).toMatch(/^1 CONFLICT: /);
    expect(await cli.read("policy", "change", "nightly", file)).toMatch(/ has version 3 now/);
    const versions = await cli.read("policy", "versions", "nightly");
    expect(versions).toMatch(/^3 .*\n2 .* pause\n1 +\S+ \S+ +token:admin +2 of 6 +first$/m);
    expect(await cli.read("policy", "retire", "nightly")).toMatch(/^The policy nightly is retired/);
    expect(await cli.refusal("policy", "show", "nightly")).toBe('1 NOT_FOUND: there is no policy "nightly"');
    expect(await cli.read("policy", "show", String(policy_id))).toMatch(/^state +retired, version 3$/m);
  });

  it("names what is wrong with a file", async () => {
    const cli = await testCli(api());
    expect(await cli.refusal("policy", "create", "/nowhere.json")).toMatch(/^2 BAD_REQUEST: \/nowhere.json cannot be/);
    expect(await cli.refusal("policy", "create", await cli.file([1]))).toMatch(/^2 BAD_REQUEST: .* is not a policy$/);
    expect(await cli.refusal("policy", "create", await cli.file({ name: "x", priority: -1 }))).toMatch(
      /^2 VALIDATION_/,
    );
    expect(await cli.refusal("policy", "preview", "x", "--from", "2026-02-30")).toMatch(/^2 BAD_REQUEST: --from takes/);
  });
});

describeApi("holdfast maintenance", (api) => {
  it("is announced, listed and ended", async () => {
    const cli = await testCli(api());
    const { agentId } = await seedProtected(api());
    expect(await cli.read("maintenance", "list")).toBe("No maintenance is announced.");
    expect(await cli.refusal("maintenance", "start", "x", "--until", "2h")).toBe("2 BAD_REQUEST: of which hosts?");
    expect(await cli.refusal("maintenance", "start", "x", "--everything")).toMatch(/^2 BAD_REQUEST: how long/);
    const once = ["--agent", "host-of-web", "--until", "2026-02-15T14:00:00Z", "--suspend-runs", "--reason", "disks"];
    expect(await cli.ask("maintenance", "start", "disks", ...once)).toMatchObject({
      ...{ active: true, suspend_runs: true, ends_at: "2026-02-15T14:00:00.000Z", reason: "disks" },
      selector: { labels: {}, agent_ids: [agentId] },
    });
    const weekly = ["--label", "site=west", "--cron", "0 22 * * 6", "--zone", "Europe/Berlin", "--duration", "4h"];
    expect(await cli.read("maintenance", "start", "patches", ...weekly)).toMatch(
      /^The maintenance \S+ begins 2026-02-21 21:00:00Z for 4 h 0 min each\.$/,
    );
    const later = ["--from", "2026-03-01T00:00:00+01:00", "--until", "90m", "--everything"];
    expect(await cli.ask("maintenance", "start", "later", ...later)).toMatchObject({
      ...{ starts_at: "2026-02-28T23:00:00.000Z", ends_at: "2026-03-01T00:30:00.000Z", selector: { labels: {} } },
    });
    const listed = await cli.read("maintenance", "list");
    expect(listed).toMatch(/^disks +now +2026-02-15 12:00:00Z +2026-02-15 14:00:00Z +- +suspended +1 host /m);
    expect(listed).toMatch(/^patches +to come .* 0 22 \* \* 6 \(Europe\/Berlin\) +go on +site=west /m);
    expect(await cli.read("maintenance", "end", "disks")).toBe("The maintenance disks has ended.");
    expect(await cli.refusal("maintenance", "end", "disks")).toMatch(/^1 NOT_FOUND: /);
    expect(await cli.rows("windows", "maintenance", "list", "--open")).toHaveLength(2);
  });
});
