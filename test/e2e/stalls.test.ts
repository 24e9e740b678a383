/** What the controller does by itself, first of all after a start, keeps nobody waiting: not on SQLite either, which answers at once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { controlJobs } from "../../controller/src/jobs/control-jobs.ts";
import { openFeed } from "../../controller/src/services/feed/feed.ts";
import { silent } from "../../controller/src/services/ingest/test-events.ts";
import { openLinks } from "../../controller/src/services/presence/links.ts";
import { openPresence } from "../../controller/src/services/presence/presence.ts";
import type { Store } from "../../controller/src/store/db.ts";
import { openStore } from "../../controller/src/store/store.ts";
import { seed } from "../bench/api/seed.ts";
import { COUNTS, seedStatements } from "../bench/api/seed-rows.ts";
import { alertStatements } from "../bench/control-plane/alerts.ts";
import { healthStatements } from "../bench/control-plane/health.ts";
import { ledgerStatements } from "../bench/control-plane/ledger.ts";
import { policyStatements } from "../bench/control-plane/policies.ts";
import { retentionStatements } from "../bench/control-plane/retention.ts";

/** One host has them all. */
const FEW = { agents: 20, repositories: 40, items: 150, executions: 6000, backups: 3000, verifications: 3000 };
const FEWER = { drills: 1500, commands: 600, audit: 100, tokens: 10, keys: 10 };
/** Of work without a look at anything else (milliseconds); a busy machine takes its time. All of it is seconds. */
const LONGEST_MS = 250;

/** The longest that this thread worked (not waited) between two turns of its event loop. */
function watchTurns() {
  const worked = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const first = worked();
  let [last, longest] = [first, 0];
  let next: NodeJS.Immediate;
  function turn(): void {
    const now = worked();
    longest = Math.max(longest, now - last);
    last = now;
    next = setImmediate(turn);
  }
  turn();
  return {
    end() {
      clearImmediate(next);
      const now = worked();
      return { longest: Math.max(longest, now - last), all: now - first };
    },
  };
}

async function openFilled(): Promise<Store> {
  Object.assign(COUNTS, FEW, FEWER);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-stalls-"));
  const place = { file: join(folder, "controller.db") };
  await (await openStore(place)).close();
  const parts = [policyStatements, ledgerStatements, retentionStatements, alertStatements, healthStatements];
  await seed(place, [...seedStatements(), ...parts.flatMap((part) => part())]);
  const store = await openStore(place);
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

function contextOf(store: Store): Parameters<typeof controlJobs>[0] {
  const now = () => new Date();
  const [links, feed] = [openLinks(), openFeed({ store })];
  const nothing = async () => undefined;
  return {
    ...{ store, now, links, feed, presence: openPresence({ store, now, feed }), log: silent },
    ...{ policies: { changed: nothing }, deadManUrl: null, troubles: async () => [], startedAt: now() },
    authorityEndsAt: new Date(Date.now() + 365 * 86_400_000),
    ...({ delivery: {}, telling: {} } as Pick<Parameters<typeof controlJobs>[0], "delivery" | "telling">),
  };
}

it("every job of the controller lets others have a turn", async () => {
  const store = await openFilled();
  const { signal } = new AbortController();
  const jobs = controlJobs(contextOf(store)).filter(({ name }) => name !== "deliveries");
  const turns = watchTurns();
  await Promise.all(jobs.map((job) => job.run(signal)));
  const { longest, all } = turns.end();
  expect(all).toBeGreaterThan(3 * LONGEST_MS);
  expect(longest).toBeLessThan(LONGEST_MS);
});
