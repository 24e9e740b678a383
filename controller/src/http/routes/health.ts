import type { Endpoint } from "../endpoint.ts";

export const healthRoutes: readonly Endpoint[] = [];
