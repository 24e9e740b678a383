import type { Endpoint } from "./endpoint.ts";
import { agentRoutes } from "./routes/agents.ts";
import { aomeiJobRoutes } from "./routes/aomei-jobs.ts";
import { aomeiOlderRoutes } from "./routes/aomei-older.ts";
import { aomeiReportRoutes } from "./routes/aomei-report.ts";
import { aomeiReportPages } from "./routes/aomei-reports.ts";
import { aomeiSourceRoutes } from "./routes/aomei-sources.ts";
import { apiKeyRoutes } from "./routes/api-keys.ts";
import { backupChangeRoutes } from "./routes/backup-changes.ts";
import { backupReadRoutes } from "./routes/backup-reads.ts";
import { backupStartRoute } from "./routes/backup-start.ts";
import { chainRoute } from "./routes/chain.ts";
import { commandRoutes } from "./routes/commands.ts";
import { drillStartRoute } from "./routes/drill-start.ts";
import { enrolmentRoutes } from "./routes/enrolment.ts";
import { eventsRoute } from "./routes/events.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { historyRoutes } from "./routes/history.ts";
import { itemRoutes } from "./routes/items.ts";
import { laterRoutes } from "./routes/later.ts";
import { metaRoutes } from "./routes/meta.ts";
import { repositoryRoutes } from "./routes/repositories.ts";

/** Everything the API serves; where two paths could match, the first one does. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...metaRoutes,
  ...enrolmentRoutes,
  ...agentRoutes,
  ...itemRoutes,
  ...repositoryRoutes,
  backupStartRoute,
  chainRoute,
  ...laterRoutes,
  ...backupReadRoutes,
  ...backupChangeRoutes,
  ...historyRoutes,
  drillStartRoute,
  ...commandRoutes,
  eventsRoute,
  ...aomeiReportRoutes,
  ...aomeiReportPages,
  ...aomeiSourceRoutes,
  ...aomeiJobRoutes,
  ...aomeiOlderRoutes,
  ...apiKeyRoutes,
  ...fleetRoutes,
];
