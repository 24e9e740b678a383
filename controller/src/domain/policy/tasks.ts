/** What a policy has a host do, in the words of its plan. */
import type { HostPlan, ScheduleSpec, TaskPlan } from "@holdfast/protocol";
import type { PolicyBody } from "./policy-body.ts";

/** `zone`: what `local` means on this host. */
export function tasksOf({ backup, verify, drill }: PolicyBody, zone: string): HostPlan["tasks"] {
  // What may run late does so as long as it is not taken for missed.
  const { retries, retry_seconds, grace_seconds } = backup;
  const proof = ({ mode, schedule, which, grace_seconds }: PolicyBody["verify"]): TaskPlan | null => {
    if (mode === "off") return null;
    const byClock = mode === "scheduled" && schedule !== null;
    const planned = byClock ? located(schedule, zone) : null;
    return { schedule: planned, after_backup: mode === "after_backup", which, retries, retry_seconds, grace_seconds };
  };
  return {
    backup: {
      ...{ schedule: located(backup.schedule, zone), after_backup: false, which: "newest" },
      ...{ retries, retry_seconds, grace_seconds },
    },
    verify: proof(verify),
    drill: proof(drill),
  };
}

function located(schedule: ScheduleSpec, zone: string): ScheduleSpec {
  return schedule.zone === "local" ? { ...schedule, zone } : schedule;
}
