import type { Endpoint } from "../endpoint.ts";

export const evidenceRoutes: readonly Endpoint[] = [];
