/** A report as a table: of the fleet and of a host a row an item, of one item a row a day. */
import { csvText } from "./csv.ts";
import type { ReportFacts } from "./facts.ts";

export function reportCsv(facts: ReportFacts): string {
  return facts.scope.subjectId === null ? itemRows(facts) : dayRows(facts);
}

const ITEM_HEAD = [
  ...["host", "agent_id", "kind", "id", "name", "policy", "health_score", "band", "proven"],
  ...["last_good_backup", "last_verified", "last_drilled", "rpo_target_seconds", "rpo_age_seconds", "rpo_kept"],
  ...["rto_target_seconds", "rto_median_seconds", "rto_worst_seconds"],
  ...["compliant", "copies", "media", "off_site", "offline_or_immutable", "errors"],
];
const DIGITS = ["copies", "media", "off_site", "offline_or_immutable", "errors"] as const;

function itemRows({ items }: ReportFacts): string {
  const rows = items.map(({ row, hostName, policyName, rpo }) => [
    ...[hostName, row.agentId, row.subjectKind, row.subjectId, row.name, policyName, row.score, row.band, row.proven],
    ...[row.lastGoodAt, row.lastVerifiedAt, row.lastDrilledAt, row.rpoTargetSeconds, rpo.ageSeconds, rpo.ok],
    ...[row.rtoTargetSeconds, row.rtoMedianSeconds, row.rtoWorstSeconds, row.compliant],
    ...DIGITS.map((name) => row.digits.find(({ digit }) => digit === name)?.holds ?? null),
  ]);
  return csvText(ITEM_HEAD, rows);
}

const DAY_HEAD = [
  ...["date", "total_backups", "successful_backups", "failed_backups", "total_size_bytes"],
  ...["verifications", "verifications_passed", "verification_success_rate"],
  ...["restore_tests", "restore_tests_passed", "restore_test_success_rate", "health_score"],
];

function dayRows({ days }: ReportFacts): string {
  const rows = days.map((day) => [
    ...[day.metricDate, day.totalBackups, day.successfulBackups, day.failedBackups, day.totalSizeBytes],
    ...[day.verificationsTotal, day.verificationsPassed, day.verificationSuccessRate],
    ...[day.drillsTotal, day.drillsPassed, day.restoreTestSuccessRate, day.healthScore],
  ]);
  return csvText(DAY_HEAD, rows);
}
