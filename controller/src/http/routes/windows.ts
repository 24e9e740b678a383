import type { Endpoint } from "../endpoint.ts";

export const windowRoutes: readonly Endpoint[] = [];
