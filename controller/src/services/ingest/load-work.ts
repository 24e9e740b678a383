import { putRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
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
  const runs = await rowsByKey(db, t.executions, t.executions.runId, keys.runs);
  for (const { commandId } of runs) if (commandId !== null) keys.commands.add(commandId);
  const named = await rowsByKey(db, t.backups, t.backups.backupId, keys.backups);
  const asked = await rowsByKey(db, t.backups, t.backups.commandId, keys.commands);
  return {
    runs: rowSet(({ runId }) => runId, runs),
    backups: rowSet(({ agentId, backupId }) => placedKey(agentId, backupId), [...named, ...asked]),
    commands: rowSet(
      ({ commandId }) => commandId,
      await rowsByKey(db, t.commands, t.commands.commandId, keys.commands),
    ),
    agents: rowSet(({ agentId }) => agentId, await rowsByKey(db, t.agents, t.agents.agentId, keys.agents)),
    items: rowSet(
      ({ agentId, vmContextId }) => placedKey(agentId, vmContextId),
      await rowsByKey(db, t.items, t.items.agentId, keys.inventories),
    ),
    repositories: rowSet(
      ({ agentId, repositoryId }) => placedKey(agentId, repositoryId),
      await rowsByKey(db, t.repositories, t.repositories.agentId, keys.inventories),
    ),
    verifications: rowSet(
      ({ verificationId }) => verificationId,
      await rowsByKey(db, t.verifications, t.verifications.verificationId, keys.verifications),
    ),
    drills: rowSet(({ drillId }) => drillId, await rowsByKey(db, t.drills, t.drills.drillId, keys.drills)),
    aomei: await loadAomeiWork(db, toldOfAomei(incoming), now),
  };
}

/** Writes what was changed. */
export async function saveWork(db: Db, work: Work): Promise<void> {
  const { tables: t } = db;
  await putRows(db, t.agents, [t.agents.agentId], work.agents.changed());
  await putRows(db, t.repositories, [t.repositories.agentId, t.repositories.repositoryId], work.repositories.changed());
  await putRows(db, t.items, [t.items.agentId, t.items.vmContextId], work.items.changed());
  await putRows(db, t.commands, [t.commands.commandId], work.commands.changed());
  await putRows(db, t.executions, [t.executions.runId], work.runs.changed());
  await putRows(db, t.backups, [t.backups.agentId, t.backups.backupId], work.backups.changed());
  await putRows(db, t.verifications, [t.verifications.verificationId], work.verifications.changed());
  await putRows(db, t.drills, [t.drills.drillId], work.drills.changed());
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
