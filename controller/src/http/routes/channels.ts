import type { Endpoint } from "../endpoint.ts";

export const channelRoutes: readonly Endpoint[] = [];
