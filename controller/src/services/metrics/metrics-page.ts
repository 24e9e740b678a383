/** A page of metrics: what was read, in Prometheus' text format. */
import { Counter, Gauge, Registry } from "prom-client";

type Value = { labels?: Record<string, string>; value: number };
/** Without values: there is nothing to say of it now. */
export type Metric = { name: string; help: string; kind?: "gauge" | "counter"; values: readonly Value[] };

export async function metricsPage(metrics: readonly Metric[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, kind = "gauge", values } of metrics) {
    const labelNames = [...new Set(values.flatMap(({ labels = {} }) => Object.keys(labels)))];
    const facts = { name, help, labelNames, registers: [registry] };
    if (kind === "counter") {
      const counter = new Counter(facts);
      for (const { labels = {}, value } of values) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(facts);
      // Without labels it begins at 0, which would be a value.
      if (values.length === 0) gauge.remove();
      for (const { labels = {}, value } of values) gauge.set(labels, value);
    }
  }
  return await registry.metrics();
}
