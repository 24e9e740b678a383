import type { Endpoint } from "../endpoint.ts";

export const metricsRoutes: readonly Endpoint[] = [];
