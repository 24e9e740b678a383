/** Everything that an agent can be asked for, now or later: a closed list. */
import type { Action } from "./access.ts";

type Kind = {
  /** false: known, and refused until the part exists that does it. */
  available: boolean;
  permission: Action;
  /** What it takes away does not come back. */
  destructive: boolean;
  /** Where it is asked for. */
  endpoint: string;
};

const COMMANDS = "POST /api/v1/commands";
const later = (permission: Action): Kind => ({ available: false, permission, destructive: false, endpoint: COMMANDS });
const usual = (permission: Action, endpoint: string): Kind => ({
  available: true,
  permission,
  destructive: false,
  endpoint,
});

export const KINDS = {
  "backup.start": usual("backups.start", "POST /api/v1/backup/start"),
  "backup.cancel": usual("commands.cancel", COMMANDS),
  "backup.delete": {
    available: true,
    permission: "backups.delete",
    destructive: true,
    endpoint: "DELETE /api/v1/backup/{backup_id}",
  },
  "backup.pin": usual("backups.pin", "POST /api/v1/backup/{backup_id}/pin"),
  "verify.start": usual("backups.validate", "POST /api/v1/backup/{backup_id}/validate"),
  "drill.start": usual("drills.start", "POST /api/v1/drills"),
  "policy.reload": usual("commands.create", COMMANDS),
  "agent.diagnose": usual("commands.create", COMMANDS),
  "agent.rotate-certificate": usual("commands.create", COMMANDS),
  "chain.consolidate": { ...later("backups.delete"), destructive: true },
  "copy.start": later("backups.start"),
  "restore.browse": later("backups.read"),
  "restore.start": later("drills.start"),
  "agent.update": later("commands.create"),
} as const satisfies Record<string, Kind>;

export type KnownKind = keyof typeof KINDS;
export const KNOWN_KINDS = Object.keys(KINDS) as [KnownKind, ...KnownKind[]];
