import type { Backup } from "../../../domain/backup.ts";
import type { Work } from "../work.ts";

/** The backups that this agent was asked for under a command, ended or not. */
export function backupsOfCommand(work: Work, agentId: string, commandId: string): Backup[] {
  return [...work.backups.all()].filter((backup) => backup.commandId === commandId && backup.agentId === agentId);
}

export function isOpen({ status }: Backup): boolean {
  return status === "pending" || status === "running";
}
