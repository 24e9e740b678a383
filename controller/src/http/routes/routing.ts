import type { Endpoint } from "../endpoint.ts";

export const routingRoutes: readonly Endpoint[] = [];
