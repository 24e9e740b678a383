/** What stands in a controller's database; its controller must not run. */
import { join } from "node:path";
import { openStore } from "../../controller/src/store/store.ts";
import type { CommandState } from "../../protocol/src/index.ts";

export type KnownEvent = {
  eventId: string;
  kind: string;
  subject: string | null;
  problem: string | null;
  /** Told once more after one side came back from an older copy. */
  again: boolean;
};

/** Maps are by agent id unless they say otherwise. */
export type Known = {
  agentIds: string[];
  certificates: Map<string, number>;
  usedTokens: number;
  /** In the order of their cursors. */
  events: Map<string, KnownEvent[]>;
  /** Executions, backups and verifications, each as `<what> <id> <state>`. */
  rows: Map<string, string[]>;
  epochs: Map<string, number>;
  gaps: Map<string, { from: number; to: number; reason: string }[]>;
  commands: { commandId: string; agentId: string; state: CommandState }[];
  /** The states that agents have told, by command. */
  commandEvents: Map<string, CommandState[]>;
};

export async function readKnown(place: { dataDir: string; database: string | null }): Promise<Known> {
  const { dataDir, database } = place;
  const store = await openStore(database === null ? { file: join(dataDir, "controller.db") } : { url: database });
  try {
    return await store.read(async (db) => {
      const t = db.tables;
      const agents = await db.select().from(t.agents);
      const certificates = await db.select().from(t.certificates);
      const tokens = await db.select().from(t.enrolmentTokens);
      const epochs = await db.select().from(t.spoolEpochs);
      const gaps = await db.select().from(t.spoolGaps);
      const commands = await db.select().from(t.commands);
      const events = await db.select().from(t.events);
      const byAgent = Map.groupBy(
        events.toSorted((a, b) => a.cursor - b.cursor),
        ({ agentId }) => agentId,
      );
      const told = events.filter(({ kind, subject }) => kind === "command_changed" && subject !== null);
      return {
        agentIds: agents.map(({ agentId }) => agentId),
        certificates: counted(certificates),
        usedTokens: tokens.filter(({ usedAt }) => usedAt !== null).length,
        events: mapped(byAgent, ({ eventId, kind, subject, problem, body }) => {
          return { eventId, kind, subject, problem, again: body["told_again"] === true };
        }),
        rows: mapped(
          Map.groupBy(
            [
              ...(await db.select().from(t.executions)).map((row) => ({
                ...row,
                row: `run ${row.runId} ${row.state}`,
              })),
              ...(await db.select().from(t.backups)).map((row) => ({
                ...row,
                row: `backup ${row.backupId} ${row.status}`,
              })),
              ...(await db.select().from(t.verifications)).map((row) => ({
                ...row,
                row: `verification ${row.verificationId} ${row.status}`,
              })),
            ],
            ({ agentId }) => agentId,
          ),
          ({ row }) => row,
        ),
        epochs: counted(epochs),
        gaps: mapped(
          Map.groupBy(gaps, ({ agentId }) => agentId),
          ({ fromSeq: from, toSeq: to, reason }) => ({ from, to, reason }),
        ),
        commands,
        commandEvents: mapped(
          Map.groupBy(told, ({ subject }) => subject ?? ""),
          ({ body }) => body["state"] as CommandState,
        ),
      };
    });
  } finally {
    await store.close();
  }
}

function counted(rows: readonly { agentId: string }[]): Map<string, number> {
  return new Map([...Map.groupBy(rows, ({ agentId }) => agentId)].map(([id, same]) => [id, same.length]));
}

function mapped<From, To>(groups: Map<string, From[]>, make: (from: From) => To): Map<string, To[]> {
  return new Map([...groups].map(([key, group]) => [key, group.map(make)]));
}
