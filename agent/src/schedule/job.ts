/** A job: one task of one item, run by itself as its plan says (pure). */
import type { ClosedSpan, EngineSettings, HostPlan, TaskName, TaskPlan } from "@holdfast/protocol";

export type Job = {
  /** `<item>/<task>`: the same whatever policy it is run by. */
  id: string;
  item: string;
  task: TaskName;
  /** Its name for the calendar. */
  name: string;
  plan: TaskPlan;
  engine: EngineSettings;
  /** Maintenance in which nothing begins. */
  closed: readonly ClosedSpan[];
  policyId: string;
  policyVersion: number;
};

/** A proof comes right after what it proves. */
const TASKS: readonly TaskName[] = ["backup", "verify", "drill"];

/** What these plans have this host run; no item stands in two of them. */
export function jobsOf(plans: readonly HostPlan[]): Job[] {
  return plans.flatMap(({ items, seed, tasks, engine, closed, policy_id: policyId, policy_version: policyVersion }) =>
    items.flatMap((item) =>
      TASKS.flatMap((task): Job[] => {
        const plan = tasks[task];
        if (plan === null || (plan.schedule === null && !plan.after_backup)) return [];
        const id = jobId(item, task);
        return [{ id, item, task, name: `${seed}/${id}`, plan, engine, closed, policyId, policyVersion }];
      }),
    ),
  );
}

export function jobId(item: string, task: TaskName): string {
  return `${item}/${task}`;
}
