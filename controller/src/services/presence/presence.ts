/** What is known of the agents at this moment. Kept in memory, because it changes all the time and may be lost. */
import type { AgentFrame, FrameOf, RunProgress } from "@holdfast/protocol";
import { inArray } from "drizzle-orm";
import { pieces } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { Feed } from "../feed/feed.ts";
import { hostClocks, writeClocks } from "./host-clocks.ts";
import { runProgresses, writeProgress } from "./run-progress.ts";

export type AgentPresence = {
  connectedSince: Date;
  lastSeenAt: Date;
  waitingEvents: number;
  spoolFull: boolean;
  running: string[];
  /** Its clock less this one's, by its last heartbeat; null: none has come yet. */
  clockOffsetMs: number | null;
};
export type Presence = {
  connected(agentId: string): void;
  disconnected(agentId: string): void;
  /** Something was heard of it. */
  seen(agentId: string): void;
  heartbeat(agentId: string, frame: FrameOf<AgentFrame, "heartbeat">): void;
  progress(agentId: string, runs: readonly RunProgress[]): void;
  /** undefined: not connected. */
  of(agentId: string): AgentPresence | undefined;
  /** Newer than what `executions.progress` says; undefined once the run has ended or its agent is gone. */
  progressOf(agentId: string, runId: string): RunProgress | undefined;
  ended(agentId: string, runId: string): void;
  /** Writes what changed; call it every few seconds. */
  flush(): Promise<void>;
};

/** Written no finer than that, so that a flush is a few statements for thousands of agents (milliseconds). */
const SEEN_STEP = 10_000;

export function openPresence({ store, now, feed }: ServiceContext & { feed: Pick<Feed, "publish"> }): Presence {
  const agents = new Map<string, AgentPresence>();
  const runs = runProgresses();
  const unwritten = new Map<string, Date>();
  const clocks = hostClocks();

  function tell(kind: string, agentId: string, subject: string | null, body: Record<string, unknown>): void {
    feed.publish([{ cursor: null, kind, agentId, at: now(), subject, body, problem: null }]);
  }

  function seen(agentId: string, more: Partial<AgentPresence> = {}): void {
    const lastSeenAt = now();
    unwritten.set(agentId, lastSeenAt);
    const agent = agents.get(agentId);
    if (agent !== undefined) Object.assign(agent, { lastSeenAt, ...more });
  }

  return {
    connected(agentId) {
      const at = now();
      agents.set(agentId, { connectedSince: at, lastSeenAt: at, ...UNSAID });
      seen(agentId);
      tell("agent_connected", agentId, null, {});
    },
    disconnected(agentId) {
      agents.delete(agentId);
      runs.forget(agentId);
      clocks.forget(agentId);
      tell("agent_disconnected", agentId, null, {});
    },
    seen: (agentId) => seen(agentId),
    heartbeat: (agentId, frame) => seen(agentId, clocks.heard(agentId, toldBy(frame, now()))),
    progress(agentId, told) {
      seen(agentId);
      for (const progress of runs.take(agentId, told)) tell("progress", agentId, progress.run_id, progress);
    },
    of: (agentId) => agents.get(agentId),
    progressOf: (agentId, runId) => runs.of(agentId, runId),
    ended: (agentId, runId) => runs.ended(agentId, runId),
    async flush() {
      const told = { seen: [...unwritten], clocks: clocks.unwritten(), progresses: runs.unwritten() };
      unwritten.clear();
      if (told.seen.length + told.progresses.length > 0) await store.write((db) => writeTold(db, told));
    },
  };
}

const UNSAID = { waitingEvents: 0, spoolFull: false, running: [], clockOffsetMs: null };

function toldBy(frame: FrameOf<AgentFrame, "heartbeat">, at: Date) {
  const { clock, waiting_events: waitingEvents, spool_full: spoolFull, running } = frame;
  return { waitingEvents, spoolFull, running, clockOffsetMs: Date.parse(clock) - at.getTime() };
}

type Told = {
  seen: [string, Date][];
  clocks: [string, number][];
  progresses: ReturnType<ReturnType<typeof runProgresses>["unwritten"]>;
};

async function writeTold(db: Db, { seen, clocks, progresses }: Told): Promise<void> {
  await writeSeen(db, seen);
  await writeClocks(db, clocks);
  for (const one of progresses) await writeProgress(db, one);
}

/** Rounded down: an agent was never seen later than is written. */
async function writeSeen(db: Db, seen: readonly (readonly [string, Date])[]): Promise<void> {
  const { agents } = db.tables;
  const steps = Map.groupBy(seen, ([, at]) => Math.floor(at.getTime() / SEEN_STEP) * SEEN_STEP);
  for (const [step, group] of steps)
    for (const some of pieces(group.map(([agentId]) => agentId)))
      await db
        .update(agents)
        .set({ lastSeenAt: new Date(step) })
        .where(inArray(agents.agentId, some))
        .execute();
}
