import { eq } from "drizzle-orm";
import { actorName, type Caller, type Scope, scopesRefusal } from "../../domain/access.ts";
import type { FieldProblem } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { newKey } from "./key-text.ts";
import { isNetwork } from "./networks.ts";

export type ApiKeyRow = Db["tables"]["apiKeys"]["$inferSelect"];
/** `text` is the key itself, which is shown now and never again. */
export type MadeKey = { row: ApiKeyRow; text: string };

export type CreateKey = {
  name: string;
  scopes: readonly Scope[];
  agentId: string | null;
  networks: readonly string[];
  /** The time zone in which times without one are read. */
  zone: string | null;
  expiresAt: Date | null;
};

/** VALIDATION_ERROR with everything that is wrong: scopes that a limit excludes, networks, the zone, the expiry, the agent. */
export async function createApiKey({ store, now }: ServiceContext, caller: Caller, input: CreateKey): Promise<MadeKey> {
  const at = now();
  const { keyId, text, secretHash } = newKey();
  return await store.write(async (db) => {
    const fields = [...problems(input, at), ...(await agentProblem(db, input.agentId))];
    if (fields.length > 0) throw invalidFields(fields);
    const [row] = await db
      .insert(db.tables.apiKeys)
      .values({
        ...input,
        keyId,
        secretHash,
        scopes: [...input.scopes],
        networks: [...input.networks],
        createdBy: actorName(caller.actor),
        createdAt: at,
      })
      .returning();
    if (row === undefined) throw new Error("the new key was not returned");
    const details = { name: input.name, scopes: input.scopes, agent_id: input.agentId };
    await recordAudit(db, caller, { action: "api-keys.create", subject: keyId, outcome: "done", details }, at);
    return { row, text };
  });
}

function problems({ scopes, agentId, networks, zone, expiresAt }: CreateKey, now: Date): FieldProblem[] {
  const refusal = scopesRefusal(scopes, agentId);
  return [
    ...(refusal === null ? [] : [{ path: "scopes", message: refusal }]),
    ...networks.flatMap((network, index) =>
      isNetwork(network)
        ? []
        : [{ path: `networks.${index}`, message: "is no network: write 10.0.0.0/8, fd00::/8 or one address" }],
    ),
    ...(zone === null || isZone(zone)
      ? []
      : [{ path: "zone", message: "is no time zone: write one like Europe/Berlin" }]),
    ...(expiresAt !== null && expiresAt <= now ? [{ path: "expires_at", message: "must lie in the future" }] : []),
  ];
}

async function agentProblem(db: Db, agentId: string | null): Promise<FieldProblem[]> {
  if (agentId === null) return [];
  const { agents } = db.tables;
  const [known] = await db.select({ id: agents.agentId }).from(agents).where(eq(agents.agentId, agentId));
  return known === undefined ? [{ path: "agent_id", message: "is no known agent" }] : [];
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
