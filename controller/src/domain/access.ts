/** Who may do what: a closed list of scopes, and for every action the one scope it needs. */

/** `admin` includes all others; of the others none includes another. */
export const SCOPES = ["read", "report", "operate", "delete", "configure", "enrol", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Scopes that reach beyond one agent: a key that is limited to an agent cannot have them. */
const FLEET_SCOPES: readonly Scope[] = ["enrol", "admin"];

export const SCOPE_OF = {
  "status.read": "read",
  "events.read": "read",
  "agents.read": "read",
  "agents.change": "configure",
  "agents.revoke": "admin",
  "enrolment-tokens.read": "enrol",
  "enrolment-tokens.create": "enrol",
  "enrolment-tokens.revoke": "enrol",
  "items.read": "read",
  "items.create": "configure",
  "items.change": "configure",
  "items.remove": "configure",
  "repositories.read": "read",
  "repositories.create": "configure",
  "repositories.change": "configure",
  "repositories.remove": "configure",
  "backups.read": "read",
  "backups.start": "operate",
  "backups.validate": "operate",
  "backups.cancel": "operate",
  "backups.pin": "operate",
  "backups.delete": "delete",
  "executions.read": "read",
  "verifications.read": "read",
  "drills.read": "read",
  "drills.start": "operate",
  "commands.read": "read",
  "commands.create": "operate",
  "commands.cancel": "operate",
  "api-keys.read": "admin",
  "api-keys.create": "admin",
  "api-keys.rotate": "admin",
  "api-keys.revoke": "admin",
  "access-tokens.revoke": "admin",
  "audit.read": "admin",
  "commands.approve": "delete",
  "policies.read": "read",
  "policies.change": "configure",
  "windows.read": "read",
  "windows.change": "operate",
  "ledger.read": "read",
  "retention.read": "read",
  "retention.apply": "delete",
  "holds.read": "read",
  "holds.create": "operate",
  "holds.release": "admin",
  "health.read": "read",
  "compliance.read": "read",
  "repositories.describe": "configure",
  "alerts.read": "read",
  "alerts.change": "operate",
  "silences.change": "operate",
  "routes.read": "read",
  "routes.change": "configure",
  "channels.read": "configure",
  "channels.change": "configure",
  "channels.test": "configure",
  "reports.read": "read",
  "report-schedules.change": "configure",
  "evidence.read": "read",
  "metrics.read": "read",
  "aomei.read": "read",
  "aomei.register": "report",
  "aomei.report": "report",
  "aomei.change": "configure",
} as const satisfies Record<string, Scope>;

export type Action = keyof typeof SCOPE_OF;

/** Who asks. `agentId`: the only agent whose things exist for this credential; null: all of them. */
export type Actor = {
  /** `policy`: what the controller does by itself, in the name of the policy that says so. */
  kind: "token" | "api-key" | "agent" | "anonymous" | "policy";
  id: string;
  scopes: readonly Scope[];
  agentId: string | null;
};

/** An actor in one request. `source`: the address it came from. */
export type Caller = { actor: Actor; requestId: string; source: string };

export const ANONYMOUS: Actor = { kind: "anonymous", id: "-", scopes: [], agentId: null };

/** `<kind>:<id>`, as the audit table and a command's author name it. */
export function actorName({ kind, id }: Actor): string {
  return kind === "anonymous" ? kind : `${kind}:${id}`;
}

function hasScope(actor: Actor, scope: Scope): boolean {
  return actor.scopes.includes(scope) || actor.scopes.includes("admin");
}

export function mayDo(actor: Actor, action: Action): boolean {
  return hasScope(actor, SCOPE_OF[action]);
}

export function maySeeAgent(actor: Actor, agentId: string): boolean {
  return actor.agentId === null || actor.agentId === agentId;
}

/** Why a credential with these scopes and this limit cannot exist; null when it can. */
export function scopesRefusal(scopes: readonly Scope[], agentId: string | null): string | null {
  const wide = agentId === null ? undefined : scopes.find((scope) => FLEET_SCOPES.includes(scope));
  return wide === undefined ? null : `a key that is limited to one agent cannot have the scope '${wide}'`;
}
