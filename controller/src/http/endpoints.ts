import type { Endpoint } from "./endpoint.ts";
import { backupReadRoutes } from "./routes/backup-reads.ts";
import { itemRoutes } from "./routes/items.ts";
import { metaRoutes } from "./routes/meta.ts";
import { repositoryRoutes } from "./routes/repositories.ts";

/** Everything the API serves; where two paths could match, the first one does. */
export const ENDPOINTS: readonly Endpoint[] = [...metaRoutes, ...itemRoutes, ...repositoryRoutes, ...backupReadRoutes];
