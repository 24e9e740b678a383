/** What cannot be meant in a policy, all of it at once. */
import { calendarProblem, isZone, type ScheduleSpec } from "@holdfast/protocol";
import type { z } from "zod";
import type { FieldProblem } from "../../errors.ts";
import { type PolicyBody, policyBody } from "./policy-body.ts";
import { rhythmOf } from "./rhythm.ts";
import { spanText } from "./span-text.ts";

/** The host's own zone, which a policy does not know. */
const LOCAL = "local";

type Check = { of: readonly (keyof PolicyBody)[]; find: (body: PolicyBody) => FieldProblem[] };

const CHECKS: readonly Check[] = [
  { of: ["items"], find: repeatedItems },
  { of: ["backup"], find: ({ backup }) => scheduleProblems(backup.schedule, "backup.schedule") },
  { of: ["verify"], find: ({ verify }) => proofProblems(verify, "verify") },
  { of: ["drill"], find: ({ drill }) => proofProblems(drill, "drill") },
  { of: ["retention"], find: retentionProblems },
  { of: ["backup", "targets"], find: targetProblems },
];

/** Adds what is wrong in itself to what is ill-formed. `schema`: a policy with further fields, or without. */
export function soundPolicy<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.superRefine(
    (value, context) => {
      for (const { path, message } of problemsIn(value))
        context.addIssue({ code: "custom", path: path.split("."), message });
    },
    { when: () => true },
  );
}

/** Of a policy that may be ill-formed in part: the rest is looked at all the same. */
function problemsIn(value: unknown): FieldProblem[] {
  const fields = Object.keys(policyBody.shape) as (keyof PolicyBody)[];
  const given = Object.fromEntries(fields.map((field) => [field, Reflect.get(Object(value), field)]));
  const lost = new Set(policyBody.safeParse(given).error?.issues.map(({ path }) => path[0]));
  const rest = Object.fromEntries(Object.entries(given).filter(([field]) => !lost.has(field)));
  const body = policyBody.safeParse({ name: "-", ...rest });
  if (!body.success) return [];
  return CHECKS.filter(({ of }) => !of.some((field) => lost.has(field))).flatMap(({ find }) => find(body.data));
}

function repeatedItems({ items }: PolicyBody): FieldProblem[] {
  const seen = new Set<string>();
  return items.flatMap(({ agent_id, vm_context_id }, index) => {
    const key = `${agent_id}/${vm_context_id}`;
    if (seen.has(key)) return [{ path: `items.${index}`, message: "is there twice" }];
    seen.add(key);
    return [];
  });
}

function scheduleProblems(schedule: ScheduleSpec, path: string): FieldProblem[] {
  const { cron, zone } = schedule;
  const known = zone === LOCAL || isZone(zone);
  const problems = known
    ? []
    : [{ path: `${path}.zone`, message: `'${zone}' is no time zone: use a name as Europe/Berlin, or 'local'` }];
  const cronProblem = calendarProblem({ cron, zone: known && zone !== LOCAL ? zone : "UTC" });
  if (cronProblem !== null) return [...problems, { path: `${path}.cron`, message: cronProblem }];
  return [...problems, ...rhythmProblems(schedule, path)];
}

function rhythmProblems(schedule: ScheduleSpec, path: string): FieldProblem[] {
  const { shortestMs, isAllBlack } = rhythmOf(schedule);
  const most = Math.floor(shortestMs / 2000);
  return [
    ...(schedule.jitter_seconds > most
      ? [
          {
            path: `${path}.jitter_seconds`,
            message: `must be at most ${most}: half the shortest time between two runs`,
          },
        ]
      : []),
    ...(isAllBlack ? [{ path: `${path}.blackouts`, message: "leave no run of this schedule" }] : []),
  ];
}

function proofProblems({ mode, schedule }: PolicyBody["verify"], path: string): FieldProblem[] {
  if (schedule !== null) return scheduleProblems(schedule, `${path}.schedule`);
  return mode === "scheduled" ? [{ path: `${path}.schedule`, message: "is required when mode is 'scheduled'" }] : [];
}

function retentionProblems({ retention: { keep_days, keep_last, gfs, zone } }: PolicyBody): FieldProblem[] {
  const keepsByOther = keep_days !== undefined || keep_last !== undefined;
  const isEmpty = gfs !== undefined && gfs.daily + gfs.weekly + gfs.monthly === 0;
  return [
    ...(isEmpty && !keepsByOther ? [{ path: "retention.gfs", message: "keeps nothing, and no other rule does" }] : []),
    ...(zone === LOCAL || isZone(zone) ? [] : [{ path: "retention.zone", message: `'${zone}' is no time zone` }]),
  ];
}

function targetProblems({ backup: { schedule }, targets: { rpo_seconds } }: PolicyBody): FieldProblem[] {
  if (rpo_seconds === null || calendarProblem({ cron: schedule.cron, zone: "UTC" }) !== null) return [];
  const { longestMs, isAllBlack } = rhythmOf(schedule);
  if (isAllBlack || longestMs <= rpo_seconds * 1000) return [];
  const message = `is shorter than the longest time between two backups, ${spanText(longestMs)}: it cannot be met`;
  return [{ path: "targets.rpo_seconds", message }];
}
