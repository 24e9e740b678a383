import type { Endpoint } from "../endpoint.ts";

export const alertRoutes: readonly Endpoint[] = [];
