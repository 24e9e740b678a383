import { expect, it } from "vitest";
import { httpReceiver } from "../adapters/channels/test-receivers.ts";
import type { Observation } from "../domain/alert/observation.ts";
import { describeApi, START, type TestApi } from "../http/test-api.ts";
import { recordObservations } from "../services/alerts/observe.ts";
import { workAlerts } from "../services/alerts/work.ts";
import { addLogChannel } from "../services/channels/channels.ts";
import { testCli } from "./test-cli.ts";

async function see(api: TestApi, ...observations: Observation[]): Promise<void> {
  await api.store.write((db) => recordObservations(db, observations, api.clock.now));
  while (await workAlerts(api.context));
}

function missed(agentId: string, more: Partial<Observation> = {}): Observation {
  const subject = { kind: "item", key: `item:${agentId}/vm`, agentId } as const;
  const facts = { message: "the backup of vm was not made", evidence: { due_at: "03:00", times: 2 } };
  return { subject, type: "missed_run", state: "firing", ...facts, ...more };
}

describeApi("holdfast alert", (api) => {
  it("lists what is wrong, shows it, and writes down what people say of it", async () => {
    const cli = await testCli(api());
    const agentId = await api().agent("web-host");
    expect(await cli.read("alert", "list")).toBe("There is no such alert.");
    await see(api(), missed(agentId), missed(agentId, { type: "tampering", message: "the backup was changed" }));
    await see(api(), missed(agentId, { type: "capacity", message: "full" }));
    await see(api(), missed(agentId, { type: "capacity", message: "there is room", state: "ok" }));
    const open = await cli.read("alert", "list", "--agent", "web-host");
    expect(open).toMatch(/ critical +missed_run +open +the backup of vm was not made /);
    expect(open).not.toMatch(/capacity/);
    expect(await cli.rows("alerts", "alert", "list", "--state", "all")).toHaveLength(3);
    expect(await cli.rows("alerts", "alert", "list", "--state", "resolved")).toMatchObject([
      { alert_type: "capacity" },
    ]);

    const [alert] = await cli.rows("alerts", "alert", "list", "--type", "missed_run", "--severity", "critical");
    const id = String(alert?.["alert_id"]);
    expect(await cli.read("alert", "acknowledge", id, "--note", "looking")).toMatch(/ not made: acknowledged; /);
    api().clock.now = new Date(api().clock.now.getTime() + 1000);
    expect(await cli.ask("alert", "note", id, "the disk was full")).toMatchObject({ text: "the disk was full" });
    const shown = await cli.read("alert", "show", id);
    expect(shown).toMatch(/^state +acknowledged$/m);
    expect(shown).toMatch(/^evidence +due_at 03:00\nevidence +times 2$/m);
    expect(shown).toMatch(/^acknowledged +2026-02-15 12:00:00Z by token:admin$/m);
    expect(shown).toMatch(/^note .* token:admin: looking\nnote .* token:admin: the disk was full$/m);
    expect(await cli.refusal("alert", "resolve", id, "--reason", "over")).toMatch(/^1 CANNOT_BE_DONE: /);
    const [tampering] = await cli.rows("alerts", "alert", "list", "--type", "tampering");
    const over = ["alert", "resolve", String(tampering?.["alert_id"]), "--reason", "a restore"];
    expect(await cli.read(...over)).toBe("the backup was changed: resolved.");
    expect(await cli.refusal("alert", "show", "x")).toMatch(/^2 VALIDATION_ERROR: /);
  });

  it("is silenced for a while, for whom it was said", async () => {
    const cli = await testCli(api());
    const agentId = await api().agent("web-host");
    const known = ["--until", "2h", "--reason", "known"];
    expect(await cli.refusal("silence", "add", ...known)).toMatch(/^2 VALIDATION_ERROR: .* must name something/);
    const made = await cli.ask(
      "silence",
      "add",
      ...known,
      "--agent",
      "web-host",
      "--type",
      "capacity",
      "--label",
      "a=b",
    );
    expect(made).toMatchObject({ match: { agent_ids: [agentId], types: ["capacity"], labels: { a: "b" } } });
    const ahead = new Date(String(made["ends_at"])).getTime() - Date.now();
    expect(ahead / 60_000).toBeCloseTo(120, 0);
    const later = ["--from", "2026-02-16", "--until", "1d", "--reason", "x", "--severity", "info"];
    expect(await cli.read("silence", "add", ...later)).toMatch(
      / is kept from 2026-02-16 00:00:00Z until 2026-02-17 00:00:00Z\.$/,
    );
    expect(await cli.read("silence", "list")).toMatch(/ now +capacity, 1 host, a=b +token:admin +known /);
    expect(await cli.read("silence", "end", String(made["silence_id"]))).toMatch(/ has ended; /);
    expect(await cli.read("silence", "list")).toMatch(/ ended +capacity, /);
  });
});

describeApi("holdfast route and channel", (api) => {
  it("set up who is told, without a secret on a command line or in an answer", async () => {
    const cli = await testCli(api());
    await using receiver = await httpReceiver();
    const hook = { name: "hook", kind: "webhook", config: { url: receiver.url } };
    const [file, secret] = [await cli.file(hook), await cli.file({ key: "k".repeat(20) })];
    expect(await cli.refusal("channel", "create", file)).toMatch(/^2 VALIDATION_ERROR: /);
    const made = await cli.run("channel", "create", file, "--secret-file", secret);
    expect(made.document).toMatchObject({ has_secret: true, canary: true });
    expect(JSON.stringify(made)).not.toContain("kkk");
    expect(await cli.read("channel", "test", "hook")).toBe("The message was taken.");
    receiver.answer.status = 404;
    const failed = await cli.run("channel", "test", "hook");
    expect([failed.code, failed.text]).toEqual([1, "It did not arrive: the receiver answered 404"]);
    const [shown] = await cli.rows("channels", "channel", "list");
    const quiet = await cli.file({ ...(shown?.["name"] === "hook" ? shown : made.document), canary: false });
    expect(await cli.ask("channel", "change", "hook", quiet)).toMatchObject({ canary: false, has_secret: true });
    expect(await cli.read("channel", "list")).toMatch(/^hook +webhook +on +no .* the receiver answered 404 /m);

    const route = { name: "all", match: { severities: ["critical"] }, channel_ids: [made.document["channel_id"]] };
    const { route_id } = await cli.ask("route", "create", await cli.file(route));
    expect(await cli.read("route", "list")).toMatch(/^100 +all +on +critical +\S+ +4 h 0 min +- /m);
    const [whole] = await cli.rows("routes", "route", "list");
    const change = { ...whole, repeat_seconds: 0, escalate_after_seconds: 600, escalate_channel_ids: ["log"] };
    expect(await cli.ask("route", "change", "all", await cli.file(change))).toMatchObject({ repeat_seconds: 0 });
    const told = await cli.read("route", "test", "missed_run");
    expect(told).toMatch(new RegExp(`^route +all \\(${String(route_id)}\\)$`, "m"));
    expect(told).toMatch(/^again after +never\nescalates +after 10 min 0 s to log\nquiet until +-$/m);
    expect(await cli.read("route", "test", "capacity")).toMatch(/^route +none fits: the log$/m);
    expect(await cli.refusal("channel", "remove", "hook")).toMatch(/^1 HAS_DEPENDENTS: /);
    expect(await cli.read("route", "remove", "all")).toBe("The route all is removed.");
    expect(await cli.read("channel", "remove", "hook")).toBe("The channel hook is removed.");
  });

  it("shows the messages of a channel", async () => {
    const cli = await testCli(api());
    await api().store.write((db) => addLogChannel(db, START));
    expect(await cli.read("channel", "messages", "--state", "waiting")).toBe("There is no such message.");
    await see(api(), missed(await api().agent("web-host")));
    api().clock.now = new Date(api().clock.now.getTime() + 60_000);
    while (await workAlerts(api().context));
    expect(await cli.read("channel", "messages", "log")).toMatch(/ alert +waiting +0 +log +\S/);
    expect(await cli.refusal("channel", "messages", "nothing")).toBe('1 NOT_FOUND: there is no channel "nothing"');
  });
});
