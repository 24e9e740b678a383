import type { Endpoint } from "../endpoint.ts";

export const policyRoutes: readonly Endpoint[] = [];
