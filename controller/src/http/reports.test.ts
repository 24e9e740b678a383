import { and, eq, gte } from "drizzle-orm";
import { expect, it } from "vitest";
import { dailyRow, EVIL, seedReportFleet } from "../services/reports/test-report-fleet.ts";
import { describeApi } from "./test-api.ts";

const TABLE = /<h2>([^<]+)<\/h2>/g;
const titles = (page: string) => [...page.matchAll(TABLE)].map(([, title]) => title);
/** The figures at the top, by their name. */
const figures = (page: string) =>
  Object.fromEntries([...page.matchAll(/<b>([^<]*)<\/b>([^<]*)<small>/g)].map(([, value, name]) => [name, value]));
const lines = (table: string) => table.trimEnd().split("\r\n");

describeApi("reports", (api) => {
  const read = async (path: string, as?: string) => {
    const reply = await api().get(`/api/v1/reports/${path}`, as === undefined ? {} : { as });
    return { ...reply, type: reply.headers["content-type"] };
  };

  it("on the fleet show what it is worth, the worst first, without anything from elsewhere", async () => {
    await seedReportFleet(api().store, api().clock.now);
    const { status, type, text } = await read("fleet.html?days=14");
    expect([status, type]).toEqual([200, "text/html; charset=utf-8"]);
    expect(text).toContain("2026-02-02 to 2026-02-15");
    expect(figures(text)).toMatchObject({
      ...{ health: "80.0 %", "backups that went well": "75.0 %", "restore drills passed": "100 %" },
      ...{ "missed runs": "2", "open alerts": "2", "items keep 3-2-1-1-0": "2 of 3", "items not proven": "1" },
      ...{ "restore points too old": "1", "stored backups": "4.2 TB" },
    });
    expect(titles(text)).toEqual([
      ...["Open alerts", "Items, the worst first", "Hosts, the worst first", "Missed runs, the newest first"],
    ]);
    expect(text.indexOf("&lt;script&gt;")).toBeLessThan(text.indexOf('<td class="name">db</td>'));
    expect(text.indexOf("critical</td>")).toBeLessThan(text.indexOf("warning</td>"));
    expect(text).not.toMatch(/<script|https?:|src=|href=|url\(|NaN|undefined/);
    expect(text).toMatch(/<td>berlin-1<\/td><td>&lt;script&gt;.*<\/td><td>backup<\/td>/);
    expect(text.match(/<rect/g)).toHaveLength(11);
    expect(text.match(/<circle/g)).toHaveLength(6);
  });

  it("wait for a first restore point from when the item came to its policy, as health does", async () => {
    const { agentId, itemId, policyId } = await seedReportFleet(api().store, api().clock.now);
    const since = new Date(api().clock.now.getTime() - 3_600_000);
    await api().store.write(async (db) => {
      const { itemStates: s, itemPolicies: p } = db.tables;
      await db.update(s).set({ lastGoodAt: null }).where(eq(s.subjectId, "vm-0")).execute();
      await db.insert(p).values({ agentId, vmContextId: "vm-0", policyId, boundBy: "explicit", since }).execute();
    });
    const [, worst] = lines((await read("fleet.csv")).text);
    expect(worst).toMatch(/,86400,,,600,/);
    const { text } = await read("fleet.html");
    expect(figures(text)).toMatchObject({ "restore points too old": "0" });
    expect(text).toContain("3 of 3 items with a target; 1 without any good backup");
    expect(figures((await read(`item.html?id=${itemId}`)).text)).toMatchObject({
      "age of the newest good backup": "none",
    });
  });

  it("tell the health of seven days, whatever the period, and what of it is not proven", async () => {
    const { agentId } = await seedReportFleet(api().store, api().clock.now);
    const { healthDaily: h } = await api().store.read(async ({ tables }) => tables);
    const recent = and(eq(h.scopeKind, "agent"), gte(h.metricDate, "2026-02-09"));
    const none = { drillsTotal: 0, drillsPassed: 0 };
    await api().store.write((db) => db.update(h).set(none).where(recent).execute());
    const old = { ...dailyRow({ scopeKind: "agent", scopeId: agentId }, "2026-01-20", 1, 0) };
    await api().store.write((db) => db.insert(h).values(old).execute());
    for (const days of [1, 365]) {
      const { text } = await read(`agent.html?id=${agentId}&days=${days}`);
      expect(figures(text)).toMatchObject({ health: "60.0 %" });
      expect(text).toContain("seven days; not proven: restore drills");
    }
    expect((await read("fleet.html")).text).toMatch(/berlin-1<\/td>\n<td class="number">.*60\.0 %.*not proven/);
  });

  it("on a host, an item and an AOMEI job show what is theirs", async () => {
    const { agentId, itemId } = await seedReportFleet(api().store, api().clock.now);
    const agent = await read(`agent.html?id=${agentId}`);
    expect(titles(agent.text)).toEqual(["Open alerts", "Items, the worst first", "Missed runs, the newest first"]);
    const item = await read(`item.html?id=${itemId}`);
    expect(titles(item.text)).toEqual(["Open alerts", "3-2-1-1-0", "Expected runs, the newest first"]);
    expect(figures(item.text)).toMatchObject({
      ...{ "age of the newest good backup": "2 d 12 h", "a restore took (median)": "95 s", "missed runs": "2" },
    });
    expect(item.text).toContain("evidence of off_site");
    expect(item.text).toContain("ran late");
    const job = await read("aomei.html?id=7");
    expect(titles(job.text)).toEqual(["Copies"]);
    expect(job.text).toContain("Backups: Nightly image");
  });

  it("as tables have a row an item, or a row a day, and no formula", async () => {
    const { agentId, itemId } = await seedReportFleet(api().store, api().clock.now, ["=1+1", "web, old"]);
    const fleet = await read("fleet.csv");
    expect(fleet.type).toBe("text/csv; charset=utf-8");
    const [head, worst, best] = lines(fleet.text);
    expect(head).toMatch(/^host,agent_id,kind,id,name,policy,health_score,/);
    expect(worst).toBe(
      `berlin-1,${agentId},item,vm-0,'=1+1,nightly,0.42,critical,false,2026-02-13T00:00:00.000Z,2026-02-15T03:00:00.000Z,,86400,216000,false,600,95,130,false,true,true,false,false,true`,
    );
    expect(best).toContain('"web, old"');
    expect((await read(`agent.csv?id=${agentId}`)).text).toBe(fleet.text);
    const days = lines((await read(`item.csv?id=${itemId}&days=3`)).text);
    expect(days.slice(1).map((line) => line.split(",").slice(0, 4))).toEqual([
      ["2026-02-13", "10", "7", "3"],
      ["2026-02-14", "10", "6", "4"],
      ["2026-02-15", "10", "5", "5"],
    ]);
  });

  it("of a fleet without anything say that nothing was measured", async () => {
    const { text } = await read("fleet.html");
    expect(text).toContain("Nothing was measured in this time.");
    expect(figures(text)).toMatchObject({ health: "nothing yet", "backups that went well": "not proven" });
    // Of nothing nothing is good.
    const good = [...text.matchAll(/is-good"><b>[^<]*<\/b>([^<]*)/g)].map(([, name]) => name);
    expect(good).toEqual(["open alerts"]);
    expect(lines((await read("fleet.csv")).text)).toHaveLength(1);
  });

  it("are refused where the id is wrong, foreign or too much", async () => {
    const { agentId, itemId } = await seedReportFleet(api().store, api().clock.now, [EVIL]);
    const other = await api().agent();
    const limited = await api().key(["read"], agentId);
    const foreign = await api().key(["read"], other);
    const asked: [string, string | undefined, number][] = [
      ["agent.html", undefined, 400],
      ["fleet.html?id=x", undefined, 400],
      ["fleet.html?days=367", undefined, 400],
      ["item.html?id=vm-0", undefined, 400],
      ["aomei.html?id=x", undefined, 400],
      ["aomei.html?id=8", undefined, 404],
      [`item.csv?id=${agentId}/gone`, undefined, 404],
      ["fleet.csv", limited, 403],
      [`item.csv?id=${itemId}`, limited, 200],
      [`item.csv?id=${itemId}`, foreign, 404],
      [`agent.csv?id=${agentId}`, foreign, 404],
      ["aomei.csv?id=7", foreign, 404],
      ["aomei.csv?id=7", limited, 200],
    ];
    for (const [path, as, status] of asked) expect([path, (await read(path, as)).status]).toEqual([path, status]);
  });
});
