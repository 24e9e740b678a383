/** Everything that is counted, under the name by which it is shown. Counts begin anew with the process. */

/** Prometheus names, and what each counts. */
export const COUNTERS = {
  holdfast_aomei_reports_total: "Reports of AOMEI runs that were taken, without those that came again.",
  holdfast_aomei_repeated_reports_total: "Reports of AOMEI runs that had been taken before.",
  holdfast_aomei_authentication_failures_total: "Calls of the AOMEI endpoints without a valid credential or scope.",
  holdfast_aomei_invalid_reports_total: "Calls of the AOMEI endpoints that were refused for what they said.",
  holdfast_aomei_missing_jobs_total: "Calls of the AOMEI endpoints about a job that is not known.",
  holdfast_aomei_transaction_failures_total: "Calls of the AOMEI endpoints that failed inside the controller.",
  holdfast_aomei_reporter_errors_total: "Failures that reporters on hosts had before they got through.",
} as const;
export type CounterName = keyof typeof COUNTERS;

export type Counters = {
  add: (name: CounterName, by?: number) => void;
  /** Every counter, also those at 0. */
  values: () => Record<CounterName, number>;
};

export function openCounters(): Counters {
  const names = Object.keys(COUNTERS) as CounterName[];
  const counts = new Map(names.map((name) => [name, 0]));
  return {
    add: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
    values: () => Object.fromEntries(counts) as Record<CounterName, number>,
  };
}
