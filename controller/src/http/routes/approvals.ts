import type { Endpoint } from "../endpoint.ts";

export const approvalRoutes: readonly Endpoint[] = [];
