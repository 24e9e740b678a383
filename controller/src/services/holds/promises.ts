/** What was promised to be kept, by a person or by a policy: neither people nor retention take it away. */
import { DAY_MS } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";
import type { BackupRow } from "../backups/find.ts";
import { promiseTime } from "../retention/clock-state.ts";
import { itemPolicy } from "../retention/item-policy.ts";
import { holdsOn, openHolds } from "./open-holds.ts";

type Promised = Pick<BackupRow, "agentId" | "backupId" | "vmContextId" | "createdAt" | "recordedAt">;

/** The reasons by backup id, for those of these backups of one agent that are promised. */
export async function promisesOn(db: Db, backups: readonly Promised[], now: Date): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const some of Map.groupBy(backups, ({ vmContextId }) => vmContextId).values()) {
    const [item] = some;
    if (item === undefined) continue;
    const promised = await promiseTime(db, item.agentId, now);
    const holds = await openHolds(db, item, promised);
    const days = (await itemPolicy(db, item))?.rules.immutable_days ?? 0;
    for (const backup of some) {
      const held = holdsOn(holds, backup.backupId).map(({ kind, until, reason }) =>
        kind === "legal" ? `held: ${reason}` : `immutable until ${until?.toISOString() ?? "it is released"}: ${reason}`,
      );
      const reasons = [...held, ...byPolicy(backup, days, promised)];
      if (reasons.length > 0) found.set(backup.backupId, reasons);
    }
  }
  return found;
}

function byPolicy({ createdAt, recordedAt }: Promised, days: number, promised: Date): string[] {
  const made = Math.max(createdAt.getTime(), recordedAt?.getTime() ?? 0);
  const until = new Date(made + days * DAY_MS);
  return days > 0 && until > promised ? [`immutable until ${until.toISOString()} by its policy`] : [];
}
