import { describe, expect, it } from "vitest";
import { SCOPE_OF, SCOPES } from "../domain/access.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { describeApi, START } from "./test-api.ts";

const ID = "00000000-0000-4000-8000-000000000000";
const filled = (path: string) =>
  path
    .replace("{agent_id}", ID)
    .replace("{command_id}", ID)
    .replace("{backup_id}", "backup-web-000000-disk0-20260101-000000")
    .replace(/\{.+?\}/, "Abcdefghijklmnop");
const guarded = ENDPOINTS.flatMap((each) => (each.action === null ? [] : [{ ...each, action: each.action }]));

describeApi("access", (api) => {
  it("no endpoint answers a stranger, and each asks for its own scope", async () => {
    const keys = new Map(await Promise.all(SCOPES.map(async (scope) => [scope, await api().key([scope])] as const)));
    for (const { method, path, action } of guarded) {
      const at = `${method} ${path}`;
      const call = (as: string | null) => api().call(method.toUpperCase(), filled(path), { as });
      const stranger = await call(null);
      expect([at, stranger.status, stranger.body["code"]]).toEqual([at, 401, "API_KEY_REQUIRED"]);
      expect(stranger.headers["www-authenticate"]).toContain("Bearer");
      const others = SCOPES.filter((scope) => scope !== "admin" && scope !== SCOPE_OF[action]);
      const wrong = await call(keys.get(others[0] ?? "read") ?? null);
      expect([at, wrong.status, wrong.body["code"]]).toEqual([at, 403, "FORBIDDEN"]);
    }
  });

  it("refusals stand in the audit, with who and what for", async () => {
    const key = await api().key(["read"]);
    await api().call("DELETE", "/api/v1/enrolment-tokens/Abcdefghijklmnop", { as: key });
    const { body } = await api().get("/api/v1/audit?action=enrolment-tokens.revoke");
    expect(body["entries"]).toMatchObject([
      { actor: expect.stringMatching(/^api-key:/), subject: "Abcdefghijklmnop", outcome: "FORBIDDEN" },
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    ["a token of nobody", { authorization: "Bearer e30.e30.e30" }, "UNAUTHENTICATED"],
    ["an unknown key", { "x-api-key": `hfk1.${"a".repeat(16)}.${"b".repeat(43)}` }, "INVALID_API_KEY"],
    ["nonsense as a key", { "x-api-key": "nonsense" }, "INVALID_API_KEY"],
    ["nonsense as a token", { authorization: "Bearer hfk1.nonsense" }, "INVALID_API_KEY"],
    ["another scheme", { authorization: "Basic YTpi" }, "API_KEY_REQUIRED"],
    ["two at once", { authorization: "Bearer a", "x-api-key": "b" }, "UNAUTHENTICATED"],
    ["an endless one", { "x-api-key": "k".repeat(5000) }, "API_KEY_REQUIRED"],
  ])("%s is refused", async (_what, headers, code) => {
    const reply = await api().get("/api/v1/items", { as: null, headers });
    expect([reply.status, reply.body["code"]]).toEqual([401, code]);
  });

  it("a token opens until it expires, a key in either header", async () => {
    const key = await api().key(["read"]);
    expect((await api().get("/api/v1/items", { as: key })).status).toBe(200);
    expect((await api().get("/api/v1/items", { as: null, headers: { "x-api-key": key } })).status).toBe(200);
    api().clock.now = new Date(START.getTime() + 400 * 86_400_000);
    expect((await api().get("/api/v1/items")).body).toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describeApi("API keys", (api) => {
  const make = (body: object) => api().post("/api/v1/api-keys", { name: "k", scopes: ["read"], ...body });
  const opens = async (key: unknown) => (await api().get("/api/v1/items", { as: String(key) })).status === 200;

  it("are shown once, kept as a hash, and know when they were used last", async () => {
    const { status, body } = await make({ expires_at: "2026-03-01T00:00:00+01:00" });
    expect([status, body["expires_at"]]).toEqual([201, "2026-02-28T23:00:00.000Z"]);
    expect(await opens(body["key"])).toBe(true);
    const list = await api().get("/api/v1/api-keys");
    expect(list.body["api_keys"]).toMatchObject([{ key_id: body["key_id"], last_used_at: START.toISOString() }]);
    const secret = String(body["key"]).split(".")[2] ?? "";
    expect(list.text).not.toContain(secret);
    const rows = await api().store.read((db) => db.select().from(db.tables.apiKeys));
    expect(JSON.stringify(rows)).not.toContain(secret);
    api().clock.now = new Date("2026-02-28T23:00:00Z");
    expect(await opens(body["key"])).toBe(false);
  });

  it("rotate with an overlap, and end at once when revoked", async () => {
    const old = (await make({})).body;
    const rotated = await api().post(`/api/v1/api-keys/${old["key_id"]}/rotate`, { overlap_seconds: 60 });
    expect(rotated.status).toBe(201);
    expect([await opens(old["key"]), await opens(rotated.body["key"])]).toEqual([true, true]);
    const again = await api().post(`/api/v1/api-keys/${old["key_id"]}/rotate`, {});
    expect([again.status, again.body["details"]]).toEqual([409, rotated.body["key_id"]]);
    api().clock.now = new Date(START.getTime() + 60_000);
    expect([await opens(old["key"]), await opens(rotated.body["key"])]).toEqual([false, true]);
    expect((await api().call("DELETE", `/api/v1/api-keys/${rotated.body["key_id"]}`)).status).toBe(200);
    expect(await opens(rotated.body["key"])).toBe(false);
    expect((await api().call("DELETE", "/api/v1/api-keys/Abcdefghijklmnop")).status).toBe(404);
  });

  it("work from their networks only", async () => {
    expect(await opens((await make({ networks: ["10.0.0.0/8"] })).body["key"])).toBe(false);
    expect(await opens((await make({ networks: ["10.0.0.0/8", "127.0.0.0/8"] })).body["key"])).toBe(true);
  });

  it("name every wrong field at once", async () => {
    const agent_id = await api().agent();
    const reply = await make({
      agent_id,
      scopes: ["admin"],
      networks: ["10.0.0.0/8", "x"],
      zone: "Mars",
      expires_at: "2020-01-01T00:00:00Z",
    });
    expect(reply.status).toBe(400);
    expect((reply.body["fields"] as { path: string }[]).map(({ path }) => path)).toEqual([
      "scopes",
      "networks.1",
      "zone",
      "expires_at",
    ]);
  });

  it("that are limited to an agent know no other", async () => {
    const [mine, other] = [await api().agent("mine"), await api().agent("other")];
    const key = await api().key(["read", "configure"], mine);
    const as = { as: key };
    expect((await api().get("/api/v1/agents", as)).body).toMatchObject({ agents: [{ agent_id: mine }], total: 1 });
    expect((await api().get(`/api/v1/agents/${other}`, as)).status).toBe(404);
    expect((await api().get(`/api/v1/items?agent_id=${other}`, as)).status).toBe(403);
    const repository = { agent_id: other, repository_id: "main", path: "/x" };
    expect((await api().post("/api/v1/repositories", repository, as)).status).toBe(404);
  });
});

describeApi(
  "limits",
  (api) => {
    it("a source that fails too often is not listened to, until it has waited", async () => {
      const wrong = { as: "hfk1.wrong" };
      expect((await api().get("/api/v1/items", wrong)).status).toBe(401);
      expect((await api().get("/api/v1/items", wrong)).status).toBe(401);
      const refused = await api().get("/api/v1/items");
      expect([refused.status, refused.body["code"], refused.headers["retry-after"]]).toEqual([
        429,
        "TOO_MANY_REQUESTS",
        "10",
      ]);
      api().clock.now = new Date(START.getTime() + 10_000);
      expect((await api().get("/api/v1/items")).status).toBe(200);
    });

    it("one credential's calls are limited, another's are not", async () => {
      const key = await api().key(["read"]);
      for (let k = 0; k < 3; k++) expect((await api().get("/api/v1/items", { as: key })).status).toBe(200);
      const refused = await api().get("/api/v1/items", { as: key });
      expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "1"]);
      expect((await api().get("/api/v1/items")).status).toBe(200);
    });

    it("enrolment is limited by source", async () => {
      const body = { token: "x", csr: "y", hostname: "h", platform: "p", agent_version: "1" };
      expect((await api().post("/api/v1/enrolment", body, { as: null })).status).toBe(400);
      expect((await api().post("/api/v1/enrolment", body, { as: null })).status).toBe(429);
    });
  },
  {
    credential: { burst: 3, perSecond: 1 },
    failures: { burst: 2, perSecond: 0.1 },
    enrolment: { burst: 1, perSecond: 0.1 },
  },
);

describe("the document", () => {
  it("every endpoint says which refusals are its own and has one path and method", () => {
    const names = ENDPOINTS.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
