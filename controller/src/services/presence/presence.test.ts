import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { openFeed } from "../feed/feed.ts";
import {
  envelopes,
  finished,
  ingestOn,
  NOW,
  newAgent,
  runIdOf,
  silent,
  speaker,
  started,
} from "../ingest/test-events.ts";
import { openPolicies } from "../policies/policies.ts";
import { openLinks } from "./links.ts";
import { openPresence } from "./presence.ts";

const AT = NOW.toISOString();
const progressOf = (run: string, done: number) => ({
  run_id: runIdOf(run),
  phase: "copy",
  disk_id: 0,
  done,
  total: 10,
  at: AT,
});

describeOnBothStores("presence", (open) => {
  it("writes when an agent was seen, never later than it was, and progress of its own running runs only", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const [mine, other] = [await newAgent(store, "a"), await newAgent(store, "b")];
    const agent = speaker(ingest, mine);
    await agent.resume();
    await agent.send(envelopes(1, started("r"), started("done"), finished("done")));
    const later = new Date(NOW.getTime() + 34_567);
    const presence = openPresence({ store, now: () => later, feed: openFeed({ store }) });
    presence.connected(mine);
    presence.connected(other);
    presence.progress(mine, [progressOf("r", 5), progressOf("done", 5), progressOf("never", 1)]);
    presence.progress(other, [progressOf("r", 9)]);
    expect(presence.progressOf(mine, runIdOf("r"))?.done).toBe(5);
    await presence.flush();
    const runs = await store.read((db) => db.select().from(db.tables.executions));
    const seen = Object.fromEntries(runs.map(({ runId, progress }) => [runId, progress?.done ?? null]));
    expect(seen).toEqual({ [runIdOf("r")]: 5, [runIdOf("done")]: null });
    const agents = await store.read((db) => db.select().from(db.tables.agents));
    expect(agents.map(({ lastSeenAt }) => lastSeenAt)).toEqual([1, 2].map(() => new Date(NOW.getTime() + 30_000)));
    presence.disconnected(mine);
    expect([presence.of(mine), presence.progressOf(mine, runIdOf("r"))]).toEqual([undefined, undefined]);
  });

  it("writes how an agent's clock goes on after it came", async () => {
    const store = await open();
    const agentId = await newAgent(store);
    const presence = openPresence({ store, now: () => NOW, feed: openFeed({ store }) });
    presence.connected(agentId);
    for (const [ahead, written] of [
      [7_200_000, 7_200_000],
      [7_200_100, 7_200_000],
      [-120, 0],
    ] as const) {
      const clock = new Date(NOW.getTime() + ahead).toISOString();
      presence.heartbeat(agentId, { type: "heartbeat", clock, waiting_events: 0, spool_full: false, running: [] });
      await presence.flush();
      const [agent] = await store.read((db) => db.select().from(db.tables.agents));
      expect(agent?.clockOffsetMs).toBe(written);
    }
  });

  it("follows so many runs of an agent and no more", async () => {
    const store = await open();
    const presence = openPresence({ store, now: () => NOW, feed: openFeed({ store }) });
    presence.connected("a");
    presence.progress(
      "a",
      Array.from({ length: 150 }, (_, n) => progressOf(`${n}`, 1)),
    );
    const followed = Array.from({ length: 150 }, (_, n) => presence.progressOf("a", runIdOf(`${n}`))).filter(Boolean);
    expect(followed).toHaveLength(100);
    presence.ended("a", runIdOf("0"));
    presence.progress("a", [progressOf("149", 2)]);
    expect(presence.progressOf("a", runIdOf("149"))?.done).toBe(2);
  });
});

describeOnBothStores("policies", (open) => {
  it("a controller that came back from an old copy hears the host's inventory before it says what to protect", async () => {
    const store = await open();
    const agentId = await newAgent(store);
    const links = openLinks();
    const versions: number[] = [];
    links.add(agentId, {
      send: (frame) => frame.type === "policy" && versions.push(frame.policy.version) > 0,
      end: () => undefined,
    });
    const policies = openPolicies({ store, now: () => NOW, links, log: silent });
    await policies.connected(agentId, 0);
    await policies.connected(agentId, 7);
    await policies.changed(agentId);
    expect(versions).toEqual([]);
    await policies.inventoried(agentId);
    await policies.inventoried(agentId);
    expect(versions).toEqual([8]);
    const { agents } = await store.read(async (db) => db.tables);
    await store.write((db) => db.update(agents).set({ policyAppliedVersion: 8 }).execute());
    await policies.connected(agentId, 8);
    await policies.changed(agentId);
    expect(versions).toEqual([8, 8]);
  });
});
