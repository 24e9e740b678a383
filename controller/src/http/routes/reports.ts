import type { Endpoint } from "../endpoint.ts";

export const reportRoutes: readonly Endpoint[] = [];
