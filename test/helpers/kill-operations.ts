/** What the kill tests interrupt, and all the points of it at which they can. */
import type { Ended, KillPlan, Program } from "./kill-child.ts";
import type { Layout, Order } from "./kill-orders.ts";
import type { Random } from "./kill-random.ts";

export type Operation = {
  name: string;
  program: Program;
  layout: Layout;
  order: (made: readonly string[]) => Order;
};

/** One kill: its plan, and a name that is the same whenever the same point is hit. */
export type Kill = {
  operation: Operation;
  point: string;
  plan: KillPlan;
  /** The run after it is killed as well, at its n-th step; null: it may end. */
  againAt: number | null;
};

/** What a run of an operation that nobody kills looks like. */
export type Measured = { operation: Operation; steps: string[]; ms: number };

const MOMENTS = 10;
const TIDYING_STEPS = 45;

const increment = (layout: Layout) => (): Order => ({ layout, do: "backup", type: "incremental" });
const full = (layout: Layout) => (): Order => ({ layout, do: "backup", type: "full" });
const prove = (how: "verify" | "drill") => (made: readonly string[]) => proof(how, made);
const removeChain = (made: readonly string[]): Order => removal(made.slice(0, 3));

export const OPERATIONS: readonly Operation[] = [
  { name: "agent increment", program: "agent", layout: "raw", order: increment("raw") },
  { name: "bitmap increment", program: "worker", layout: "qcow2", order: increment("qcow2") },
  { name: "remove chain", program: "worker", layout: "raw", order: removeChain },
  { name: "agent drill", program: "agent", layout: "raw", order: prove("drill") },
  { name: "verify", program: "worker", layout: "raw", order: prove("verify") },
  { name: "full", program: "worker", layout: "raw", order: full("raw") },
  { name: "agent remove chain", program: "agent", layout: "raw", order: removeChain },
  { name: "increment", program: "worker", layout: "raw", order: increment("raw") },
  { name: "agent verify", program: "agent", layout: "raw", order: prove("verify") },
  { name: "drill", program: "worker", layout: "raw", order: prove("drill") },
  { name: "agent bitmap increment", program: "agent", layout: "qcow2", order: increment("qcow2") },
  { name: "remove tip", program: "worker", layout: "raw", order: (made) => removal(made.slice(2, 3)) },
  { name: "bitmap full", program: "worker", layout: "qcow2", order: full("qcow2") },
  { name: "two disks", program: "agent", layout: "pair", order: increment("pair") },
  { name: "encrypted", program: "worker", layout: "locked", order: increment("locked") },
];

function removal(backupIds: string[]): Order {
  return { layout: "raw", do: "removal", backupIds };
}

function proof(how: "verify" | "drill", made: readonly string[]): Order {
  return { layout: "raw", do: how, backupId: made.at(-1) ?? "" };
}

export function stepsOf({ events }: Ended): string[] {
  return events.flatMap((event) => (event.event === "steps" ? event.steps : []));
}

/** Kills without end, always the same for a seed: the operations take turns, each at ever new points. */
export function* scheduleKills(measured: readonly Measured[], random: Random): Generator<Kill, never> {
  const queues = measured.map((one) => pointsOf(one, random));
  for (;;) for (const queue of queues) yield queue.next().value;
}

/** Points of one operation without end: none is repeated before all of its kind had their turn. */
function* pointsOf(measured: Measured, random: Random): Generator<Kill, never> {
  const { operation, steps } = measured;
  const hasTools = steps.some((step) => step.startsWith("spawn qemu"));
  const agentSteps = endless(() => random.shuffle(agentPoints(operation, steps)));
  const toolSteps = endless(() => random.shuffle(toolPoints(operation, steps)));
  const moments = endless(() => random.shuffle(momentsOf(measured, "agent", random)));
  const toolMoments = endless(() => random.shuffle(momentsOf(measured, "tool", random)));
  const turns = hasTools
    ? [agentSteps, toolSteps, agentSteps, moments, agentSteps, toolMoments]
    : [agentSteps, agentSteps, moments];
  for (;;)
    for (const turn of turns) {
      const kill = turn.next().value;
      const again = kill.plan.victim === "agent" && random.below(4) === 0;
      yield { ...kill, againAt: again ? 1 + random.below(TIDYING_STEPS) : null };
    }
}

function* endless<Item>(round: () => Item[]): Generator<Item, never> {
  for (;;) yield* round();
}

function agentPoints(operation: Operation, steps: readonly string[]): Kill[] {
  return steps.flatMap((step) => {
    const whens = /^writeFile/.test(step) ? (["before", "half", "after"] as const) : (["before", "after"] as const);
    return whens.map((when) => atStep(operation, "agent", step, when, 0));
  });
}

/** A program that was just started is also given a little time to begin with its work. */
function toolPoints(operation: Operation, steps: readonly string[]): Kill[] {
  return steps.flatMap((step) => {
    if (step.startsWith("qmp "))
      return [atStep(operation, "tool", step, "before", 0), atStep(operation, "tool", step, "after", 0)];
    if (!step.startsWith("spawn qemu")) return [];
    return [0, 4, 12, 30].map((delayMs) => atStep(operation, "tool", step, "after", delayMs));
  });
}

function atStep(
  operation: Operation,
  victim: KillPlan["victim"],
  step: string,
  when: "before" | "half" | "after",
  delayMs: number,
): Kill {
  const point = `${operation.name}: ${victim} ${when} ${step}${delayMs > 0 ? ` +${delayMs} ms` : ""}`;
  return { operation, point, plan: { victim, at: { step, when, delayMs } }, againAt: null };
}

function momentsOf({ operation, ms }: Measured, victim: KillPlan["victim"], random: Random): Kill[] {
  return Array.from({ length: MOMENTS }, (_, tenth) => {
    const fraction = (tenth + random.below(1000) / 1000) / MOMENTS;
    const point = `${operation.name}: ${victim} in tenth ${tenth + 1}`;
    return { operation, point, plan: { victim, at: { ms: fraction * ms } }, againAt: null };
  });
}
