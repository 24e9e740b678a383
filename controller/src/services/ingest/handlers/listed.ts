import { backupNoLongerThere, isUnlisted, type Listing } from "../../../domain/listing.ts";
import type { Handler, Handling } from "./handler.ts";

export const backupsListed: Handler<"backups_listed"> = (body, handling) =>
  endUnlisted({ kind: "backups_listed", body }, handling);

export const itemsListed: Handler<"items_listed"> = (body, handling) =>
  endUnlisted({ kind: "items_listed", body }, handling);

/** A controller that came back from its own backup never heard of what was removed since: it is missing from the list. */
function endUnlisted(listing: Listing, { agentId, work }: Handling): null {
  for (const backup of [...work.backups.all()])
    if (backup.agentId === agentId && isUnlisted(listing, backup))
      work.backups.put(backupNoLongerThere(backup, listing));
  return null;
}
