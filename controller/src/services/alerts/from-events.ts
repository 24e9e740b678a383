/** What the agents tell that is a matter for alerts, read from the events as they were applied. */
import type { Observation } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import type { Projection, SeenEvent } from "../projection/run-projection.ts";
import { recordObservations } from "./observe.ts";
import { observeBackups } from "./observe-backups.ts";
import { observeProofs } from "./observe-proofs.ts";
import { observeTampering } from "./observe-tampering.ts";

export const alertsFromEvents: Projection = {
  name: "alerts",
  begin: "newest",
  kinds: ["run_finished", "backup_recorded", "verification_recorded", "drill_recorded"],
  take: async (db, events, now) => {
    await recordObservations(db, await observationsOf(db, events), now);
  },
};

async function observationsOf(db: Db, events: readonly SeenEvent[]): Promise<Observation[]> {
  const backups = await observeBackups(db, events);
  return [...backups, ...(await observeProofs(db, events)), ...observeTampering(events)];
}
