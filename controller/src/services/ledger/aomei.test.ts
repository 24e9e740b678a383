import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Db } from "../../store/db.ts";
import { seedRows } from "../../store/test-rows.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { newAgent } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { observeAomei } from "./aomei.ts";

type Job = Db["tables"]["aomeiJobs"]["$inferInsert"];
const START = new Date("2026-03-02T12:00:00Z");
const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);

describeOnBothStores("AOMEI's tasks", (open) => {
  it("that should have run are missed, that failed are failed, once each, and not while their host cannot say", async () => {
    const store = await open();
    const agentId = await newAgent(store);
    const job = (jobId: number, more: Partial<Job> = {}): Job => ({
      ...{
        jobId,
        agentId: null,
        taskName: `Task ${jobId}`,
        jobType: "system_image",
        targetServer: "nas",
        description: "",
      },
      ...{ isActive: true, retentionDays: 30, expectation: "learned", learnedSeconds: 86_400, lastStatus: "success" },
      ...{ lastRunAt: hours(-1), createdAt: hours(-999), updatedAt: hours(-1), ...more },
    });
    await store.write((db) =>
      seedRows(db, db.tables.aomeiJobs, [
        job(1),
        job(2, { agentId, taskGuid: "{2}" }),
        job(3, { isActive: false, lastStatus: "failed" }),
        job(4, { expectation: "none" }),
        job(5, { lastStatus: "failed", expectation: "none" }),
      ]),
    );
    const links = openLinks();
    const returned = { since: null as Date | null };
    const inStep = { look: () => undefined, since: () => returned.since };
    const look = async (hour: number) => {
      await observeAomei({ store, now: () => hours(hour), links, startedAt: START }, inStep);
      const flips = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
      return flips.map(({ subjectKey, type, state, rootKey }) => [subjectKey, type, state, rootKey].join(" "));
    };
    const failed = "aomei:5 backup_failure firing ";
    const missed = "aomei:1 missed_run firing ";
    expect(await look(0)).toEqual([failed]);
    expect(await look(28)).toEqual([failed]);
    const withHost = [failed, missed, `aomei:2 missed_run firing agent:${agentId}`];
    // Away for longer than a day since this controller looks.
    expect(await look(30)).toEqual(withHost);
    const set = (jobId: number, change: Partial<Job>) =>
      store.write((db) =>
        db.update(db.tables.aomeiJobs).set(change).where(eq(db.tables.aomeiJobs.jobId, jobId)).execute(),
      );
    await set(1, { lastRunAt: hours(31) });
    await set(2, { lastRunAt: hours(31) });
    await set(5, { lastStatus: "warning" });
    const ended = ["aomei:1 missed_run ok ", "aomei:5 backup_failure ok ", `aomei:2 missed_run ok agent:${agentId}`];
    expect((await look(32)).slice(3).sort()).toEqual(ended.sort());
    links.add(agentId, { send: () => true, end: () => undefined });
    returned.since = hours(65);
    expect(await look(65.02)).toHaveLength(7);
    expect((await look(65.04)).slice(7)).toEqual([`aomei:2 missed_run firing agent:${agentId}`]);
    expect(await look(65.06)).toHaveLength(8);
  });
});
