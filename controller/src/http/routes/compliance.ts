import type { Endpoint } from "../endpoint.ts";

export const complianceRoutes: readonly Endpoint[] = [];
