import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { openFeed } from "../feed/feed.ts";
import { finished, runIdOf, started } from "../ingest/test-events.ts";
import { lookAtRuns } from "./runs.ts";
import { at, openLedger } from "./test-ledger.ts";
import { watchRuns } from "./watch-runs.ts";

const COMMAND = "5d1d4c3e-0000-4000-8000-0000000000c0";

describeOnBothStores("running runs", (open) => {
  /** A host with looks at its runs, in the end every ten seconds; what its heartbeat names stands in `named`. */
  async function host() {
    let looks = 0;
    const store = await open();
    const ledger = await openLedger(store);
    const { links, presence, clock, agentId, inStep, context } = ledger;
    const feed = openFeed({ store });
    let watch = watchRuns(context.startedAt);
    const named = new Set<string>();
    const until = async (time: string, moving?: string) => {
      for (; clock.now < at(time); looks += 1) {
        const left = at(time).getTime() - clock.now.getTime();
        clock.now = new Date(clock.now.getTime() + (left > 150_000 ? Math.min(300_000, left - 150_000) : 10_000));
        if (links.isConnected(agentId))
          presence.heartbeat(agentId, {
            ...{ type: "heartbeat", clock: clock.now.toISOString(), waiting_events: 0, spool_full: false },
            running: [...named],
          });
        const moved = { phase: "copy", disk_id: 0, done: looks, total: 9999, at: clock.now.toISOString() };
        if (moving !== undefined) presence.progress(agentId, [{ run_id: moving, ...moved }]);
        await presence.flush();
        if (looks % 3 === 0) await ledger.keep();
        await lookAtRuns({ context: { ...context, feed }, inStep, watch });
      }
    };
    const again = () => {
      watch = watchRuns(clock.now);
    };
    return { ...ledger, until, named, again, runOf: (run: string) => runOf(store, run) };
  }

  async function runOf(store: Store, run: string) {
    const [row] = await store.read((db) => {
      const { executions: x } = db.tables;
      return db
        .select()
        .from(x)
        .where(eq(x.runId, runIdOf(run)))
        .limit(1);
    });
    return row;
  }

  it("one that its agent does not name any more is lost after two minutes, until it says otherwise", async () => {
    const { until, named, tell, runOf, flips } = await host();
    await until("00:02");
    named.add(runIdOf("a"));
    const verify = { run_kind: "verify", command_id: COMMAND } as const;
    await tell(started("a", verify), started("cli", { run_kind: "verify" }));
    await until("00:05");
    expect((await runOf("a"))?.state).toBe("running");
    named.clear();
    await until("00:06:50");
    expect((await runOf("a"))?.state).toBe("running");
    await until("00:07:30");
    expect(await runOf("a")).toMatchObject({ state: "lost", error: { code: "RUN_LOST" }, endedAt: at("00:07:10") });
    expect((await runOf("cli"))?.state).toBe("running");
    expect(await flips()).toEqual(["00:07:30 lost_run firing"]);
    await tell(finished("a"));
    await until("00:08:30");
    expect((await runOf("a"))?.state).toBe("completed");
    expect(await flips()).toEqual(["00:07:30 lost_run firing", expect.stringMatching("lost_run ok")]);
  });

  it("one that does not move is hung, not while its agent is away, and not when this controller has just begun", async () => {
    const { until, named, tell, runOf, flips, disconnect, connect, again } = await host();
    await until("00:02");
    named.add(runIdOf("a"));
    await tell(started("a", { command_id: COMMAND }));
    await until("01:00", runIdOf("a"));
    await until("01:25");
    disconnect();
    await until("02:00");
    connect();
    await until("02:20");
    again();
    await until("02:49:50");
    expect(await flips()).toEqual([]);
    await until("02:51");
    expect(await flips()).toEqual(["02:50:00 hung_run firing"]);
    expect((await runOf("a"))?.hungAt).toEqual(at("02:50"));
    await until("02:52", runIdOf("a"));
    expect((await runOf("a"))?.hungAt).toBeNull();
    expect(await flips()).toEqual(["02:50:00 hung_run firing", "02:51:10 hung_run ok"]);
  });

  it("one whose agent never comes back is lost after a day", async () => {
    const { until, tell, runOf, disconnect, clock } = await host();
    await tell(started("a", { command_id: COMMAND }));
    await until("00:01");
    disconnect();
    clock.now = at("23:59");
    await until("23:59:30");
    expect((await runOf("a"))?.state).toBe("running");
    clock.now = at("2026-03-03T00:01:30Z");
    await until("2026-03-03T00:02:00Z");
    expect((await runOf("a"))?.state).toBe("lost");
  });
});
