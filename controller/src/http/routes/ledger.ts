import type { Endpoint } from "../endpoint.ts";

export const ledgerRoutes: readonly Endpoint[] = [];
