/** What should happen, what is worth what, and who is told: every table of it. */
import type { Dialect } from "./dialect.ts";
import { defineAlertNotes, defineAlerts, defineConditions, defineFlips, defineSilences } from "./schema-alerts.ts";
import { defineChannels, defineDeliveries, defineReportSchedules, defineRoutes } from "./schema-channels.ts";
import { defineHealthDaily, defineHealthDirty, defineItemStates, defineRepositoryTraits } from "./schema-health.ts";
import { defineExpectedRuns, defineProjections } from "./schema-ledger.ts";
import {
  defineItemPolicies,
  defineJobs,
  defineMaintenanceWindows,
  definePolicies,
  definePolicyVersions,
} from "./schema-policies.ts";
import { defineHolds, defineRetentionMarks, defineRetentionPlans } from "./schema-retention.ts";

export function defineControlPlane(d: Dialect) {
  return {
    policies: definePolicies(d),
    policyVersions: definePolicyVersions(d),
    itemPolicies: defineItemPolicies(d),
    jobs: defineJobs(d),
    maintenanceWindows: defineMaintenanceWindows(d),
    expectedRuns: defineExpectedRuns(d),
    projections: defineProjections(d),
    retentionPlans: defineRetentionPlans(d),
    retentionMarks: defineRetentionMarks(d),
    holds: defineHolds(d),
    conditions: defineConditions(d),
    flips: defineFlips(d),
    alerts: defineAlerts(d),
    alertNotes: defineAlertNotes(d),
    silences: defineSilences(d),
    channels: defineChannels(d),
    routes: defineRoutes(d),
    deliveries: defineDeliveries(d),
    reportSchedules: defineReportSchedules(d),
    healthDaily: defineHealthDaily(d),
    healthDirty: defineHealthDirty(d),
    itemStates: defineItemStates(d),
    repositoryTraits: defineRepositoryTraits(d),
  };
}
