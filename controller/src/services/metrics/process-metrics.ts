/** What is measured of this process while it runs: its requests, memory, processor time and event loop. */
import { collectDefaultMetrics, Histogram, Registry } from "prom-client";

export type RequestFacts = { method: string; route: string; status: number; seconds: number };
export type ProcessMetrics = {
  request: (facts: RequestFacts) => void;
  /** In Prometheus' text format. */
  text: () => Promise<string>;
};

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function openProcessMetrics(): ProcessMetrics {
  const registry = new Registry();
  const requests = new Histogram({
    name: "holdfast_http_request_seconds",
    help: "How long requests of the API took, by the route's own name.",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers: [registry],
  });
  let isWatched = false;
  return {
    request: ({ method, route, status, seconds }) => requests.observe({ method, route, status }, seconds),
    text() {
      // Its observers cost a little: nobody pays who never asks.
      if (!isWatched) collectDefaultMetrics({ register: registry });
      isWatched = true;
      return registry.metrics();
    },
  };
}
