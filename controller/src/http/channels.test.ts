import { expect, it } from "vitest";
import { httpReceiver, mailServer } from "../adapters/channels/test-receivers.ts";
import { describeApi } from "./test-api.ts";

const PATH = "/api/v1/channels";
const hook = (more: object = {}) => ({
  ...{ name: "hook", kind: "webhook", config: { url: "https://hooks.example.org/x" }, secret: { key: "k".repeat(20) } },
  ...more,
});

describeApi("channels", (api) => {
  it("are made, shown without their secret, changed, tried and removed", async () => {
    await using receiver = await httpReceiver();
    const made = await api().post(PATH, hook({ config: { url: receiver.url } }));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: "hook", kind: "webhook", has_secret: true, enabled: true, canary: true });
    const at = `${PATH}/${String(made.body["channel_id"])}`;
    expect((await api().post(`${at}/test`)).body).toEqual({ delivered: true, error: null });
    expect(JSON.parse(receiver.heard[0]?.body ?? "")).toMatchObject({ kind: "test" });
    receiver.answer.status = 404;
    expect((await api().post(`${at}/test`)).body).toMatchObject({
      delivered: false,
      error: "the receiver answered 404",
    });
    const shown = await api().get(at);
    expect(shown.body).toMatchObject({ last_error: "the receiver answered 404", last_success_at: expect.any(String) });
    const everything = [made.text, shown.text, (await api().get(PATH)).text, api().log()].join();
    expect(everything).not.toContain("kkkkk");
    const stored = await api().store.read((db) => db.select().from(db.tables.channels));
    expect(JSON.stringify(stored)).not.toContain("kkkkk");
    expect((await api().call("DELETE", at)).status).toBe(200);
    expect((await api().get(at)).status).toBe(404);
  });

  it.each<[string, object, string[]]>([
    ["an address that is none", { config: { url: "ftp://x" } }, ["config.url"]],
    ["a key that is short", { secret: { key: "short" } }, ["secret.key"]],
    ["no secret", { secret: undefined }, ["secret.key"]],
    ["a field that is unknown", { config: { url: "https://a.example", colour: 1 } }, ["config"]],
    [
      "no mail server",
      { kind: "smtp", config: { from: "a", to: [] }, secret: {} },
      ["config.host", "config.from", "config.to"],
    ],
    ["Slack without its address", { kind: "slack", config: {}, secret: {} }, ["secret.url"]],
    [
      "a topic that is none",
      { kind: "ntfy", config: { url: "https://ntfy.sh", topic: "a/b" }, secret: {} },
      ["config.topic"],
    ],
  ])("%s is named", async (_name, change, paths) => {
    const { status, body } = await api().post(PATH, hook(change));
    expect(status).toBe(400);
    expect((body["fields"] as { path: string }[]).map(({ path }) => path)).toEqual(paths);
  });

  it("a secret stays while its channel stays where it is, and has to be given again with another address", async () => {
    await using server = await mailServer();
    const config = {
      host: "127.0.0.1",
      port: server.port,
      security: "none",
      from: "h@example.org",
      to: ["a@example.org"],
    };
    const mail = { name: "mail", kind: "smtp", config: { ...config, username: "holdfast" } };
    const made = await api().post(PATH, { ...mail, secret: { password: "right" } });
    const at = `${PATH}/${String(made.body["channel_id"])}`;
    const renamed = await api().call("PUT", at, { body: { ...mail, name: "post", canary: false } });
    expect(renamed.body).toMatchObject({ name: "post", has_secret: true, canary: false });
    const moved = await api().call("PUT", at, { body: { ...mail, config: { ...mail.config, host: "evil.example" } } });
    expect(moved).toMatchObject({ status: 400, body: { fields: [{ path: "secret" }] } });
    expect((await api().call("PUT", at, { body: { ...hook(), name: "post" } })).body).toMatchObject({
      fields: [{ path: "kind" }],
    });
  });

  it("names are given once; one that a route names stays; the log stays as it is", async () => {
    const made = await api().post(PATH, hook());
    expect((await api().post(PATH, hook())).status).toBe(409);
    const id = String(made.body["channel_id"]);
    await api().post("/api/v1/routes", { name: "all", channel_ids: [id] });
    const kept = await api().call("DELETE", `${PATH}/${id}`);
    expect(kept).toMatchObject({ status: 409, body: { code: "HAS_DEPENDENTS", details: "all" } });
    const { channels } = (await api().get(PATH)).body as { channels: { name: string }[] };
    expect(channels.map(({ name }) => name)).toEqual(["hook"]);
    for (const [query, total] of [
      ["enabled=true&kind=webhook", 1],
      ["enabled=false", 0],
      ["kind=smtp", 0],
    ] as const)
      expect((await api().get(`${PATH}?${query}`)).body, query).toMatchObject({ total });
    expect((await api().get("/api/v1/routes?enabled=true")).body).toMatchObject({ total: 1 });
    expect((await api().get("/api/v1/routes?enabled=false")).body).toMatchObject({ total: 0 });
  });

  it("one that was switched off starts again when it is switched on", async () => {
    const made = await api().post(PATH, hook());
    const at = `${PATH}/${String(made.body["channel_id"])}`;
    await api().store.write((db) =>
      db
        .update(db.tables.channels)
        .set({ enabled: false, disabledAt: api().clock.now, disabledReason: "gone" })
        .execute(),
    );
    expect((await api().get(at)).body).toMatchObject({ enabled: false, disabled_reason: "gone" });
    const { secret: _kept, ...same } = hook();
    const again = await api().call("PUT", at, { body: same });
    expect(again.body).toMatchObject({ enabled: true, disabled_reason: null, disabled_at: null });
  });

  it("are for those who configure the whole fleet", async () => {
    const agentId = await api().agent();
    for (const key of [await api().key(["read", "operate"]), await api().key(["configure"], agentId)])
      for (const path of [PATH, "/api/v1/deliveries"])
        expect((await api().get(path, { as: key })).status, path).toBe(403);
  });
});
