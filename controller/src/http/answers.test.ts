import { connect } from "node:tls";
import { expect, it } from "vitest";
import { describeApi, START } from "./test-api.ts";

const shape = (code: string) => ({
  error: expect.any(String),
  code,
  details: expect.any(String),
  timestamp: START.toISOString(),
  request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
});

describeApi("answers", (api) => {
  it("an unknown address is 404 and a wrong method 405, in the one shape", async () => {
    const unknown = await api().get("/api/v1/nothing", { as: null });
    expect([unknown.status, unknown.body]).toEqual([404, shape("NOT_FOUND")]);
    const wrong = await api().call("DELETE", "/api/v1/items");
    expect([wrong.status, wrong.body]).toEqual([
      405,
      { ...shape("METHOD_NOT_ALLOWED"), details: "possible: GET, POST" },
    ]);
    expect(wrong.headers["x-request-id"]).toBe(wrong.body["request_id"]);
  });

  it("every wrong field is named: in the address, the query and the body, unknown ones too", async () => {
    const call = { body: { vm_name: "", disks: [{ source: { kind: "tape" } }], repository_id: "../x", more: 1 } };
    const reply = await api().call("PUT", "/api/v1/items/a%2Fb?agent_id=x&odd=1", call);
    expect([reply.status, reply.body["code"]]).toEqual([400, "VALIDATION_ERROR"]);
    const paths = (reply.body["fields"] as { path: string }[]).map(({ path }) => path);
    expect(paths.sort()).toEqual(
      ["agent_id", "disks.0.source.kind", "more", "odd", "repository_id", "vm_context_id", "vm_name"].sort(),
    );
  });

  it("a missing field is required, a parameter given twice is refused", async () => {
    const missing = await api().post("/api/v1/backup/start", {});
    expect(missing.body["fields"]).toEqual([
      { path: "vm_name", message: "is required" },
      { path: "backup_type", message: expect.any(String) },
      { path: "repository_id", message: "is required" },
    ]);
    const twice = await api().get("/api/v1/items?limit=1&limit=2");
    expect(twice.body["fields"]).toEqual([{ path: "limit", message: "is given more than once" }]);
  });

  it.each(["limit=0", "limit=1001", "limit=1.5", "limit=-1", "limit=", "cursor=x", "cursor=WzFd", "sort=name"])(
    "?%s is refused",
    async (query) => {
      const reply = await api().get(`/api/v1/backup/list?${query}`);
      expect([reply.status, reply.body["code"]]).toEqual([400, "VALIDATION_ERROR"]);
    },
  );

  it.each([
    "/api/v1/items/../agents",
    "/api/v1/items/..%2fagents",
    "/api/v1/items/%2e%2e/agents",
    "/api/v1/backup/..%5c..%5cetc",
    "/api/v1/./items",
  ])("%s leads nowhere", async (path) => {
    const reply = await api().get(path);
    expect([reply.status, reply.body["code"]]).toEqual([400, "BAD_REQUEST"]);
  });

  it("what is no JSON, not said to be, or not storable is refused", async () => {
    const post = (raw: string, type = "application/json") =>
      api().call("POST", "/api/v1/enrolment-tokens", { raw, headers: { "content-type": type } });
    expect((await post("{")).body["code"]).toBe("BAD_REQUEST");
    expect((await post('{"name":"a"}', "text/plain")).body["code"]).toBe("UNSUPPORTED_MEDIA_TYPE");
    expect((await post('{"name":"a\\u0000b"}')).body["fields"]).toMatchObject([{ path: "name" }]);
    expect((await post('{"name":"\\ud800"}')).body["fields"]).toMatchObject([{ path: "name" }]);
    expect((await post("[]")).body["code"]).toBe("VALIDATION_ERROR");
    expect((await post("")).status).toBe(201);
  });

  it("a body of 100 MB is refused before it is read, with or without its length", async () => {
    const before = process.memoryUsage().rss;
    const said = await api().call("POST", "/api/v1/items", { headers: { "content-length": "104857600" }, raw: "{" });
    expect([said.status, said.body["code"]]).toEqual([413, "BODY_TOO_LARGE"]);
    expect(await flood(api().port, api().root, api().admin)).toMatch(/^HTTP\/1.1 413 /);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
    expect((await api().get("/healthz")).status).toBe(200);
  });

  it("a fault inside tells nothing but its request's id, and the log tells the rest", async () => {
    await api().store.close();
    const reply = await api().get("/api/v1/items");
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(reply.text).not.toMatch(/\/(?:tmp|home|work|usr)|\.ts\b|Error:|select/i);
    expect(api().log()).toContain(String(reply.body["request_id"]));
  });

  it("the log has a fixed set of fields and no secret", async () => {
    const key = await api().key(["read"]);
    await api().get("/api/v1/items?vm_name=hush-hush", { as: null, headers: { "x-api-key": key } });
    await api().get("/api/v1/nothing-hush-hush?token=hush-hush", { headers: { cookie: "hush-hush" } });
    const token = (await api().post("/api/v1/enrolment-tokens", {})).body["token"];
    const log = api().log();
    for (const secret of [key, "hush-hush", String(token), api().admin]) expect(log).not.toContain(secret);
    const fields = [
      "actor",
      "code",
      "duration_ms",
      "hostname",
      "level",
      "method",
      "msg",
      "pid",
      "request_id",
      "route",
      "source",
      "status",
      "time",
    ];
    for (const line of log.trim().split("\n"))
      expect(Object.keys(JSON.parse(line) as object).filter((name) => !fields.includes(name))).toEqual([]);
  });

  it("health is told to anyone", async () => {
    for (const path of ["/healthz", "/readyz"])
      expect((await api().get(path, { as: null })).body).toEqual({ status: "ok" });
    expect((await api().get("/api/v1/openapi.json", { as: null })).body["openapi"]).toBe("3.1.0");
    expect((await api().get("/api/v1/status")).body).toMatchObject({ agents: { enrolled: 0, connected: 0 }, items: 0 });
  });
});

/** Sends chunks without end; the first line of the answer. */
function flood(port: number, ca: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: "localhost" });
    const chunk = `100000\r\n${"x".repeat(0x100000)}\r\n`;
    let sent = 0;
    const more = () => {
      while (sent < 100 && socket.writable && socket.write(chunk)) sent++;
    };
    socket.on("drain", more);
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EPIPE" || error.code === "ECONNRESET" ? undefined : reject(error),
    );
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("close", () => resolve(text.split("\r\n")[0] ?? ""));
    socket.on("secureConnect", () => {
      socket.write(
        `POST /api/v1/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      more();
    });
  });
}
