import { METRICS_TYPE, readMetrics } from "../../services/metrics/metrics.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const metrics = endpoint({
  method: "get",
  path: "/metrics",
  tag: "about",
  summary: "Metrics for Prometheus",
  description: "In its text format. Counters begin anew with the process.",
  action: "metrics.read",
  answers: {},
  streams: "text/plain",
  handle: async (context, { caller }) => {
    const text = await readMetrics(context, caller.actor);
    return { status: 200, stream: new Blob([text]).stream(), contentType: METRICS_TYPE };
  },
});

export const metricsRoutes: readonly Endpoint[] = [metrics];
