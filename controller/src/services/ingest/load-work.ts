import { putRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { together } from "../../store/together.ts";
import { loadAomeiWork, saveAomeiWork, type Told } from "../aomei/load-work.ts";
import { rowSet } from "../lists/row-set.ts";
import type { Incoming } from "./incoming.ts";
import { unlistedBackups } from "./load-unlisted.ts";
import { placedKey, type Work } from "./work.ts";

type Keys = Record<
  "runs" | "backups" | "commands" | "agents" | "inventories" | "verifications" | "drills",
  Set<string>
>;

/** Whose events these are, and when; `greeting`: agents whose own rows are wanted as well. */
export type Wanted = { incoming: readonly Incoming[]; greeting: Iterable<string>; now: Date };

/** Reads all rows that these events may touch. */
export async function loadWork(db: Db, { incoming, greeting, now }: Wanted): Promise<Work> {
  const keys = keysOf(incoming);
  for (const agentId of greeting) keys.agents.add(agentId);
  for (const backupId of await unlistedBackups(db, incoming)) keys.backups.add(backupId);
  const { tables: t } = db;
  const [runs, named, agents, items, repositories, verifications, drills] = await together([
    rowsByKey(db, t.executions, t.executions.runId, keys.runs),
    rowsByKey(db, t.backups, t.backups.backupId, keys.backups),
    rowsByKey(db, t.agents, t.agents.agentId, keys.agents),
    rowsByKey(db, t.items, t.items.agentId, keys.inventories),
    rowsByKey(db, t.repositories, t.repositories.agentId, keys.inventories),
    rowsByKey(db, t.verifications, t.verifications.verificationId, keys.verifications),
    rowsByKey(db, t.drills, t.drills.drillId, keys.drills),
  ]);
  for (const { commandId } of runs) if (commandId !== null) keys.commands.add(commandId);
  const [asked, commands] = await together([
    rowsByKey(db, t.backups, t.backups.commandId, keys.commands),
    rowsByKey(db, t.commands, t.commands.commandId, keys.commands),
  ]);
  return {
    runs: rowSet(({ runId }) => runId, runs),
    backups: rowSet(({ agentId, backupId }) => placedKey(agentId, backupId), [...named, ...asked]),
    commands: rowSet(({ commandId }) => commandId, commands),
    agents: rowSet(({ agentId }) => agentId, agents),
    items: rowSet(({ agentId, vmContextId }) => placedKey(agentId, vmContextId), items),
    repositories: rowSet(({ agentId, repositoryId }) => placedKey(agentId, repositoryId), repositories),
    verifications: rowSet(({ verificationId }) => verificationId, verifications),
    drills: rowSet(({ drillId }) => drillId, drills),
    aomei: await loadAomeiWork(db, toldOfAomei(incoming), now),
  };
}

/** Writes what was changed. */
export async function saveWork(db: Db, work: Work): Promise<void> {
  const { tables: t } = db;
  await together([
    putRows(db, t.agents, [t.agents.agentId], work.agents.changed()),
    putRows(db, t.repositories, [t.repositories.agentId, t.repositories.repositoryId], work.repositories.changed()),
    putRows(db, t.items, [t.items.agentId, t.items.vmContextId], work.items.changed()),
    putRows(db, t.commands, [t.commands.commandId], work.commands.changed()),
    putRows(db, t.executions, [t.executions.runId], work.runs.changed()),
    putRows(db, t.backups, [t.backups.agentId, t.backups.backupId], work.backups.changed()),
    putRows(db, t.verifications, [t.verifications.verificationId], work.verifications.changed()),
    putRows(db, t.drills, [t.drills.drillId], work.drills.changed()),
  ]);
  await saveAomeiWork(db, work.aomei);
}

function toldOfAomei(incoming: readonly Incoming[]): Told[] {
  return [...Map.groupBy(incoming, ({ agentId }) => agentId)].map(([agentId, some]) => ({
    agentId,
    entries: some.flatMap(({ event }) => (event?.kind === "aomei_entry" ? [event.body] : [])),
    images: some.flatMap(({ event }) => (event?.kind === "aomei_image" ? [event.body] : [])),
    tasks: some.flatMap(({ event }) => (event?.kind === "aomei_task_seen" ? [event.body] : [])),
  }));
}

function keysOf(incoming: readonly Incoming[]): Keys {
  const keys: Keys = {
    runs: new Set(),
    backups: new Set(),
    commands: new Set(),
    agents: new Set(),
    inventories: new Set(),
    verifications: new Set(),
    drills: new Set(),
  };
  for (const each of incoming) addKeys(keys, each);
  return keys;
}

function addKeys(keys: Keys, { event, agentId }: Incoming): void {
  switch (event?.kind) {
    case "run_started":
      keys.runs.add(event.body.run_id);
      if (event.body.command_id !== null) keys.commands.add(event.body.command_id);
      break;
    case "run_finished":
      keys.runs.add(event.body.run_id);
      break;
    case "backup_recorded":
      keys.backups.add(event.body.sidecar.backup_id);
      if (event.body.run_id !== null) keys.runs.add(event.body.run_id);
      break;
    case "backup_removed":
    case "backup_pinned":
      keys.backups.add(event.body.backup_id);
      break;
    case "verification_recorded":
      keys.verifications.add(event.body.verification.verification_id);
      break;
    case "drill_recorded":
      keys.drills.add(event.body.drill.drill_id);
      break;
    case "command_changed":
      keys.commands.add(event.body.command_id);
      break;
    case "inventory":
      keys.inventories.add(agentId);
      keys.agents.add(agentId);
      break;
    case "policy_applied":
      keys.agents.add(agentId);
      break;
    default:
  }
}
