/** Everything that a monitoring system can ask of this controller. */
import type { Actor } from "../../domain/access.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import type { ServiceContext } from "../context.ts";
import type { Links } from "../presence/links.ts";
import { COUNTERS, type CounterName, type Counters } from "./counters.ts";
import { fleetMetrics } from "./fleet-metrics.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { type Metric, metricsPage } from "./metrics-page.ts";
import type { ProcessMetrics } from "./process-metrics.ts";
import { queueMetrics } from "./queues.ts";
import type { Room } from "./readiness.ts";

export type MetricsContext = ServiceContext & {
  counters: Counters;
  heartbeats: Heartbeats;
  processMetrics: ProcessMetrics;
  links: Pick<Links, "agents">;
  room: () => Promise<Room>;
  version: string;
};

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** In Prometheus' text format. FORBIDDEN for one agent's credential. */
export async function readMetrics(context: MetricsContext, actor: Actor): Promise<string> {
  fleetOnly(actor, "metrics");
  const { store, now, links } = context;
  const at = now();
  const stored = await store.read(async (db) => [
    ...(await fleetMetrics(db, links.agents().length, at)),
    ...(await queueMetrics(db, at)),
  ]);
  const all = [...aboutMetrics(context), ...(await roomMetrics(context)), ...jobMetrics(context), ...stored];
  return `${await metricsPage([...all, ...counted(context)])}\n${await context.processMetrics.text()}`;
}

function aboutMetrics({ version }: MetricsContext): Metric[] {
  const values = [{ labels: { version }, value: 1 }];
  return [{ name: "holdfast_build_info", help: "Which version this is.", values }];
}

async function roomMetrics({ room }: MetricsContext): Promise<Metric[]> {
  const { freeBytes, totalBytes } = await room();
  return [
    { name: "holdfast_data_free_bytes", help: "On the data folder's medium.", values: [{ value: freeBytes }] },
    { name: "holdfast_data_total_bytes", help: "Of the data folder's medium.", values: [{ value: totalBytes }] },
  ];
}

/** Not by a label `job`: that is the scraper's own word for whom it asks. */
function jobMetrics({ heartbeats }: MetricsContext): Metric[] {
  const beats = heartbeats.all();
  const values = (numberOf: (beat: (typeof beats)[number]) => number) =>
    beats.map((beat) => ({ labels: { name: beat.job }, value: numberOf(beat) }));
  return [
    {
      name: "holdfast_job_quiet_seconds",
      help: "Since the controller's own job last ended well.",
      values: values(({ quietSeconds }) => quietSeconds),
    },
    {
      name: "holdfast_job_runs_total",
      help: "Runs of the job.",
      kind: "counter",
      values: values(({ runs }) => runs),
    },
    {
      name: "holdfast_job_failures_total",
      help: "Of these, those that failed.",
      kind: "counter",
      values: values(({ failures }) => failures),
    },
  ];
}

function counted({ counters }: MetricsContext): Metric[] {
  return Object.entries(counters.values()).map(([name, value]) => ({
    ...{ name, help: COUNTERS[name as CounterName], kind: "counter" as const },
    values: [{ value }],
  }));
}
