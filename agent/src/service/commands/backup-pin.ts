import { pin, unpin } from "../../repository/evidence.ts";
import { findTarget, protectedRepository } from "./find-target.ts";
import type { Handler } from "./task.ts";

const MAX_REASON = 2000;

/** Keeps a backup from removal, or no longer; while anything else is done to its item. */
export const backupPin: Handler<"backup.pin"> = async (args, { host, begin }) => {
  const { repository_id, backup_id, pinned, reason } = args;
  const repository = await protectedRepository(host, repository_id);
  const { disk } = await findTarget(repository, backup_id);
  begin();
  const place = { repository, vmContextId: disk.disk.vmContextId };
  await host.teller.around(place, () =>
    pinned ? pin(disk.folder, backup_id, reason.slice(0, MAX_REASON), host.now()) : unpin(disk.folder, backup_id),
  );
  return { summary: pinned ? `pinned ${backup_id}` : `${backup_id} is not pinned any more`, backup_ids: [backup_id] };
};
