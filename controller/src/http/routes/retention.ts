import type { Endpoint } from "../endpoint.ts";

export const retentionRoutes: readonly Endpoint[] = [];
