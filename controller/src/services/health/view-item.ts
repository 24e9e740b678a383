import { and, desc, eq, gte, isNotNull, isNull } from "drizzle-orm";
import { itemCopies, newestOf, type RepositoryFact } from "../../domain/compliance/item-copies.ts";
import { addDays, dayOf } from "../../domain/health/days.ts";
import type { Db } from "../../store/db.ts";
import { loadCopyPoints } from "../compliance/copy-points.ts";
import { repositoryFacts } from "../compliance/repository-facts.ts";
import { rulesOf } from "../compliance/rules.ts";
import type { ItemRow } from "../items/find.ts";
import { daysOf, itemScope } from "./daily.ts";
import { type ItemTargets, targetsOf } from "./targets.ts";
import { VIEW_DAYS, type View, viewOf } from "./view.ts";

/** How long a restore takes is asked of the drills of so many days, and of so many at most. */
const DRILL_DAYS = 30;
const DRILLS = 100;

/** What items of one host are worth now. */
export async function viewItems(db: Db, agentId: string, items: readonly ItemRow[], now: Date): Promise<View[]> {
  const repositories = await repositoryFacts(db, agentId);
  const targets = await targetsOf(
    db,
    agentId,
    items.map(({ vmContextId }) => vmContextId),
  );
  const views: View[] = [];
  for (const item of items)
    views.push(await viewItem(db, { item, repositories, targets: targets(item.vmContextId), now }));
  return views;
}

type Look = { item: ItemRow; repositories: ReadonlyMap<string, RepositoryFact>; targets: ItemTargets; now: Date };

async function viewItem(db: Db, { item, repositories, targets, now }: Look): Promise<View> {
  const { agentId, vmContextId, vmName, createdAt } = item;
  const today = dayOf(now);
  const points = await loadCopyPoints(db, item);
  const held = { points, disks: disksOf(item) };
  return viewOf(
    {
      subject: { agentId, subjectId: vmContextId, subjectKind: "item", name: vmName, createdAt },
      targets,
      days: await daysOf(db, itemScope(agentId, vmContextId), addDays(today, 1 - VIEW_DAYS), today),
      copies: itemCopies(held, repositories),
      rules: rulesOf(targets, targets.rpo_seconds),
      ...newestOf(held, repositories),
      restores: await restoresOf(db, item, now),
    },
    now,
  );
}

/** Of the item as it is defined. */
function disksOf({ definition }: ItemRow): number[] {
  const { disks } = definition as { disks?: { disk_id: number }[] };
  return (disks ?? []).map(({ disk_id }) => disk_id);
}

/** In seconds, by drills that passed, of backups that are there. */
async function restoresOf(db: Db, { agentId, vmContextId }: ItemRow, now: Date): Promise<number[]> {
  const { backups: b, drills: d } = db.tables;
  const since = new Date(now.getTime() - DRILL_DAYS * 86_400_000);
  const rows = await db
    .select({ seconds: d.restoreSeconds })
    .from(b)
    .innerJoin(d, and(eq(d.backupId, b.backupId), eq(d.agentId, b.agentId)))
    .where(
      and(
        ...[eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt)],
        ...[eq(d.status, "passed"), gte(d.drilledAt, since), isNotNull(d.restoreSeconds)],
      ),
    )
    .orderBy(desc(d.drilledAt))
    .limit(DRILLS);
  return rows.flatMap(({ seconds }) => seconds ?? []);
}
