/** Of the API's answers about plans, alerts and retention, what the story looks at. */
import { z } from "zod";

const time = z.iso.datetime();

export const channelAnswer = z.object({
  channel_id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  config: z.record(z.string(), z.unknown()),
});
export const channelsAnswer = z.object({ channels: z.array(channelAnswer) });
export const trialAnswer = z.object({ delivered: z.boolean(), error: z.string().nullable() });

const routeAnswer = z.object({ route_id: z.string(), name: z.string(), channel_ids: z.array(z.string()) });
export const routeMadeAnswer = routeAnswer;
export const routesAnswer = z.object({ routes: z.array(routeAnswer) });

export const policyAnswer = z.object({ policy_id: z.string(), name: z.string(), version: z.number() });
export type PolicyAnswer = z.infer<typeof policyAnswer>;
export const policiesAnswer = z.object({ policies: z.array(policyAnswer) });

const run = z.object({ task: z.string(), due_at: time, starts_at: time, local: z.string(), offset: z.string() });
export const policyPreviewAnswer = z.object({ zone: z.string(), runs: z.array(run) });

const expectedRun = z.object({
  task: z.string(),
  due_at: time,
  grace_until: time,
  state: z.string(),
  reason: z.string().nullable(),
  run_id: z.string().nullable(),
  run_state: z.string().nullable(),
  settled_at: time.nullable(),
});
export type ExpectedRun = z.infer<typeof expectedRun>;
export const expectedRunsAnswer = z.object({ expected_runs: z.array(expectedRun) });
export const jobsAnswer = z.object({
  jobs: z.array(z.object({ task: z.string(), policy_id: z.string().nullable(), next_due_at: time.nullable() })),
});

const alert = z.object({
  alert_id: z.string(),
  alert_type: z.string(),
  state: z.enum(["open", "resolved"]),
  message: z.string(),
  vm_context_id: z.string().nullable(),
  evidence: z.record(z.string(), z.unknown()),
  created_at: time,
  notified_count: z.number(),
});
export type AlertAnswer = z.infer<typeof alert>;
export const alertsAnswer = z.object({ alerts: z.array(alert) });

const delivery = z.object({
  delivery_id: z.string(),
  kind: z.string(),
  title: z.string(),
  alert_ids: z.array(z.string()),
  state: z.string(),
  last_error: z.string().nullable(),
});
export const deliveriesAnswer = z.object({ deliveries: z.array(delivery) });

const mark = z.object({
  backup_id: z.string(),
  mark: z.enum(["keep", "keep_as_parent", "merge", "remove"]),
  reasons: z.array(z.object({ rule: z.string(), text: z.string() })),
});
export type MarkAnswer = z.infer<typeof mark>;
export const retentionPreviewAnswer = z.object({
  removes: z.number(),
  keeps: z.number(),
  items: z.array(z.object({ waits_for: z.string().nullable(), marks: z.array(mark).nullable() })),
});

export const planAnswer = z.object({
  plan_id: z.string(),
  made_at: time,
  made_by: z.string(),
  state: z.enum(["waiting", "approved", "applying", "applied", "failed", "superseded", "rejected"]),
  reason: z.string().nullable(),
  removals: z.array(z.object({ backup_ids: z.array(z.string()) })),
  error: z.object({ message: z.string() }).nullable(),
});
export type PlanAnswer = z.infer<typeof planAnswer>;
export const plansAnswer = z.object({ plans: z.array(planAnswer) });
export const appliedAnswer = z.object({ plan: planAnswer.nullable() });

export const itemHealthAnswer = z.object({
  score: z.number(),
  band: z.string(),
  proven: z.boolean(),
  compliant: z.boolean(),
  rpo: z.object({ age_seconds: z.number().nullable(), ok: z.boolean().nullable() }),
  rto: z.object({ median_seconds: z.number().nullable(), drills: z.number(), ok: z.boolean().nullable() }),
});
export const complianceAnswer = z.object({
  compliant: z.boolean(),
  digits: z.array(z.object({ digit: z.string(), wanted: z.number(), counted: z.number(), holds: z.boolean() })),
});
