import { expect, it } from "vitest";
import { purgeRevokedTokens } from "../services/access/revoked-tokens.ts";
import { describeApi, START } from "./test-api.ts";

const PATH = "/api/v1/access-tokens/revoke";
const HOUR_MS = 3_600_000;

describeApi("access tokens", (api) => {
  const issue = (subject: string, expiresAt = new Date(START.getTime() + HOUR_MS)) =>
    api().context.issuer.issue({ subject, scopes: ["admin"], expiresAt });
  const opens = async (token: string) => (await api().get("/api/v1/items", { as: token })).status;

  it("are ended one by one, at once, by whoever has one and may", async () => {
    const [stolen, other] = [await issue("ann"), await issue("ann")];
    const ended = await api().post(PATH, { token: stolen });
    expect([ended.status, ended.body]).toEqual([
      200,
      { subject: "ann", expires_at: "2026-02-15T13:00:00.000Z", revoked_at: START.toISOString() },
    ]);
    expect([await opens(stolen), await opens(other), await opens(api().admin)]).toEqual([401, 200, 200]);
    expect((await api().post(PATH, { token: stolen })).status).toBe(200);
    const { body } = await api().get("/api/v1/audit?action=access-tokens.revoke");
    expect(body["entries"]).toMatchObject([{ subject: "ann", outcome: "done" }, {}]);
    expect(`${JSON.stringify(body)}${api().log()}`).not.toContain(stolen);
    const rows = await api().store.read((db) => db.select().from(db.tables.settings));
    expect(JSON.stringify(rows)).not.toContain(stolen);
  });

  it("that are none, or over, or of another controller are named as the wrong field", async () => {
    for (const token of ["nonsense", "e30.e30.e30", await issue("ann", new Date(START.getTime() - 1000))])
      expect((await api().post(PATH, { token })).body["fields"]).toMatchObject([{ path: "token" }]);
  });

  it("are forgotten once they would have ended by themselves", async () => {
    const [short, long] = [await issue("a"), await issue("b", new Date(START.getTime() + 9 * HOUR_MS))];
    for (const token of [short, long]) await api().post(PATH, { token });
    const later = new Date(START.getTime() + 2 * HOUR_MS);
    expect(await purgeRevokedTokens(api().store, later)).toBe(1);
    expect(await purgeRevokedTokens(api().store, later)).toBe(0);
    expect(await opens(long)).toBe(401);
  });
});
