/** Alerts about what is no more: removed backups, items that are not protected any longer, revoked hosts. */
import { and, eq, isNotNull, ne, or } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { AlertRow } from "./alert-row.ts";
import { recordObservations } from "./observe.ts";

const AT_ONCE = 200;

/** Says of everything that is gone that nothing is wrong with it. */
export async function observeGone({ store, now }: ServiceContext): Promise<void> {
  const gone = await store.read(async (db) => [
    ...(await ofBackups(db)).map((row) => over(row, "the backup was removed")),
    ...(await ofItems(db)).map((row) => over(row, "the item is not protected any more")),
    ...(await ofHosts(db)).map((row) => over(row, "the host was revoked")),
  ]);
  if (gone.length > 0) await store.write((db) => recordObservations(db, gone, now()));
}

type Open = Pick<AlertRow, "subjectKey" | "type" | "agentId" | "subjectKind">;

function over({ subjectKey, type, agentId, subjectKind }: Open, message: string): Observation {
  return { subject: { kind: subjectKind, key: subjectKey, agentId }, type, state: "ok", message };
}

function fields({ tables: { alerts: a } }: Db) {
  return { subjectKey: a.subjectKey, type: a.type, agentId: a.agentId, subjectKind: a.subjectKind };
}

/** Who has changed a backup is a question also after it was removed. */
function isOpen({ tables: { alerts: a } }: Db) {
  return and(eq(a.state, "open"), ne(a.type, "tampering"));
}

async function ofBackups(db: Db): Promise<Open[]> {
  const { alerts: a, backups: b } = db.tables;
  return await db
    .select(fields(db))
    .from(a)
    .innerJoin(b, and(eq(b.agentId, a.agentId), eq(b.backupId, a.backupId)))
    .where(and(isOpen(db), eq(a.subjectKind, "backup"), isNotNull(b.removedAt)))
    .limit(AT_ONCE);
}

/** That a host does not name an item any more is what the one alert is about. */
async function ofItems(db: Db): Promise<Open[]> {
  const { alerts: a, items: i } = db.tables;
  const isAnswered = or(ne(a.type, "item_unprotected"), eq(i.origin, "controller"));
  return await db
    .select(fields(db))
    .from(a)
    .innerJoin(i, and(eq(i.agentId, a.agentId), eq(i.vmContextId, a.vmContextId)))
    .where(and(isOpen(db), eq(a.subjectKind, "item"), isNotNull(i.retiredAt), isAnswered))
    .limit(AT_ONCE);
}

async function ofHosts(db: Db): Promise<Open[]> {
  const { alerts: a, agents: h } = db.tables;
  return await db
    .select(fields(db))
    .from(a)
    .innerJoin(h, eq(h.agentId, a.agentId))
    .where(and(isOpen(db), eq(h.state, "revoked")))
    .limit(AT_ONCE);
}
