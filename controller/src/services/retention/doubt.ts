/** What makes everything that would be removed by itself wait for a person. */
import type { Db } from "../../store/db.ts";
import { isRestoreOpen, RESTORED } from "../ingest/notice-restore.ts";
import { clockJump } from "./clock-state.ts";
import { CLOCK } from "./observations.ts";

/** `rootKey`: the subject of the one alert that tells of it. */
export type Doubt = { why: string; rootKey: string };

const AFTER_RESTORE =
  "the controller came back from an older copy, and nobody has said yet that holds and policies are as they should be";

/** null: nothing is in doubt. */
export async function removalDoubt(db: Db, now: Date): Promise<Doubt | null> {
  const jump = await clockJump(db, now);
  if (jump !== null) return { why: jump, rootKey: CLOCK.key };
  return (await isRestoreOpen(db)) ? { why: AFTER_RESTORE, rootKey: RESTORED.key } : null;
}
