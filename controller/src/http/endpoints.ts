import type { Endpoint } from "./endpoint.ts";
import { accessTokenRevokeRoute } from "./routes/access-tokens.ts";
import { agentRoutes } from "./routes/agents.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { aomeiJobRoutes } from "./routes/aomei-jobs.ts";
import { aomeiOlderRoutes } from "./routes/aomei-older.ts";
import { aomeiReportRoutes } from "./routes/aomei-report.ts";
import { aomeiReportPages } from "./routes/aomei-reports.ts";
import { aomeiSourceRoutes } from "./routes/aomei-sources.ts";
import { apiKeyRoutes } from "./routes/api-keys.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { backupChangeRoutes } from "./routes/backup-changes.ts";
import { backupReadRoutes } from "./routes/backup-reads.ts";
import { backupStartRoute } from "./routes/backup-start.ts";
import { chainRoute } from "./routes/chain.ts";
import { channelRoutes } from "./routes/channels.ts";
import { commandRoutes } from "./routes/commands.ts";
import { complianceRoutes } from "./routes/compliance.ts";
import { drillStartRoute } from "./routes/drill-start.ts";
import { enrolmentRoutes } from "./routes/enrolment.ts";
import { eventsRoute } from "./routes/events.ts";
import { evidenceRoutes } from "./routes/evidence.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { holdRoutes } from "./routes/holds.ts";
import { itemRoutes } from "./routes/items.ts";
import { laterRoutes } from "./routes/later.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { metaRoutes } from "./routes/meta.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { policyRoutes } from "./routes/policies.ts";
import { reportRoutes } from "./routes/reports.ts";
import { repositoryRoutes } from "./routes/repositories.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { routingRoutes } from "./routes/routing.ts";
import { windowRoutes } from "./routes/windows.ts";

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
  ...approvalRoutes,
  ...commandRoutes,
  eventsRoute,
  ...aomeiReportRoutes,
  ...aomeiReportPages,
  ...aomeiSourceRoutes,
  ...aomeiJobRoutes,
  ...aomeiOlderRoutes,
  ...policyRoutes,
  ...windowRoutes,
  ...ledgerRoutes,
  ...retentionRoutes,
  ...holdRoutes,
  ...healthRoutes,
  ...complianceRoutes,
  ...alertRoutes,
  ...routingRoutes,
  ...channelRoutes,
  ...reportRoutes,
  ...evidenceRoutes,
  ...metricsRoutes,
  ...apiKeyRoutes,
  accessTokenRevokeRoute,
  ...fleetRoutes,
];
