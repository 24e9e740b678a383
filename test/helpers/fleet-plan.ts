/** Where a fleet's processes are killed: steps that a seed picks. */
import type { Random } from "./kill-random.ts";

/** `after`: at once when the step returned; `later`: when what it handed to a socket may have left the process. */
export type FleetKill = { step: string; nth: number; when: "before" | "after" | "later" };
/** A step, or a time in ms after the victim was ready. */
export type KillPoint = FleetKill | { afterMs: number };
export type Victim = "agent" | "controller";
export type Phase = "enrolment" | "ingest";

/** Each step with how often it is passed at most before the kill. */
type Steps = readonly (readonly [step: string, nth: number])[];

const LINK: Record<Victim, Steps> = {
  agent: [
    ["COMMIT", 30],
    ["INSERT events", 40],
    ["DELETE events", 4],
    ["UPDATE spool", 30],
    ["INSERT commands", 3],
    ["UPDATE commands", 5],
    ["writeFile effects", 3],
    ["sync effects", 3],
    ["send hello", 1],
    ["send resume", 1],
    ["send events", 6],
    ["hear welcome", 1],
    ["hear ready", 1],
    ["hear acknowledged", 6],
    ["hear command", 3],
  ],
  controller: [
    ["BEGIN", 12],
    ["COMMIT", 20],
    ["INSERT events", 10],
    ["INSERT backups", 6],
    ["INSERT executions", 6],
    ["INSERT spool_epochs", 8],
    ["INSERT commands", 4],
    ["UPDATE commands", 4],
    ["hear hello", 2],
    ["send welcome", 2],
    ["hear resume", 2],
    ["send ready", 2],
    ["hear events", 8],
    ["send acknowledged", 8],
    ["send command", 4],
    ["answer POST /api/v1/commands", 4],
  ],
};

const ENROLMENT: Record<Victim, Steps> = {
  agent: [
    ["writeFile pending-enrolment.json.partial", 1],
    ["place pending-enrolment.json", 1],
    ["writeFile identity.json.partial", 1],
    ["sync identity.json.partial", 1],
    ["place identity.json", 1],
    ["remove pending-enrolment.json", 1],
    ["COMMIT", 2],
    ["send hello", 1],
    ["hear welcome", 1],
  ],
  controller: [
    ["INSERT agents", 1],
    ["INSERT certificates", 1],
    ["UPDATE enrolment_tokens", 1],
    ["COMMIT", 3],
    ["answer POST /api/v1/enrolment", 1],
    ["hear hello", 1],
    ["send ready", 1],
  ],
};

/** Every fourth comes at a time, all others at a step. */
export function drawPoint(random: Random, phase: Phase, victim: Victim): KillPoint {
  if (random.below(4) === 0) return { afterMs: random.below(700) };
  const steps = (phase === "ingest" ? LINK : ENROLMENT)[victim];
  const [step, most] = steps[random.below(steps.length)] ?? ["COMMIT", 1];
  const whens = ["before", "after", "later"] as const;
  return { step, nth: 1 + random.below(most), when: whens[random.below(3)] ?? "before" };
}

export function pointName(phase: Phase, victim: Victim, point: KillPoint): string {
  if ("afterMs" in point) return `${phase}: ${victim} after ${point.afterMs} ms`;
  return `${phase}: ${victim} ${point.when} ${point.step} #${point.nth}`;
}
