import { calendarProblem, type HostPlan, hostPlan } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { parsed } from "./parsed.ts";

/**
 * A plan of the policy, with those of its items that this host protects. BAD_REQUEST when this agent cannot carry it
 * out; CONFLICT when an item of it is in `planned` already, to which its own are added.
 */
export function readPlan(given: unknown, known: ReadonlySet<string>, planned: Set<string>): HostPlan {
  const plan = parsed(hostPlan, given);
  for (const [name, task] of Object.entries(plan.tasks)) {
    const problem = task?.schedule == null ? null : calendarProblem(task.schedule);
    if (problem !== null)
      throw new HoldfastError("BAD_REQUEST", {
        message: `the schedule of ${name} cannot be carried out: ${JSON.stringify(task?.schedule?.cron)} ${problem}`,
        remedy: "Correct the policy's schedule; if its time zone is a new one, update the agent.",
      });
  }
  const items = [...new Set(plan.items.filter((id) => known.has(id)))];
  const taken = items.filter((id) => planned.has(id));
  if (taken.length > 0)
    throw new HoldfastError("CONFLICT", {
      message: `${taken.slice(0, 10).join(", ")} run by another plan already, which goes first`,
      remedy: "Let one policy alone protect an item.",
    });
  for (const id of items) planned.add(id);
  return { ...plan, items };
}
