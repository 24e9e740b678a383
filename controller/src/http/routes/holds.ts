import type { Endpoint } from "../endpoint.ts";

export const holdRoutes: readonly Endpoint[] = [];
