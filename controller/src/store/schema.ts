/** All tables of the store, written once for both databases. */
import { DIALECTS, type Dialect, type DialectName } from "./dialect.ts";
import {
  defineAomeiCopies,
  defineAomeiImages,
  defineAomeiJobNames,
  defineAomeiJobs,
  defineAomeiReports,
  defineAomeiRuns,
  defineAomeiSources,
} from "./schema-aomei.ts";
import { defineBackups, defineItems, defineRepositories } from "./schema-catalogue.ts";
import { defineApiKeys, defineAudit, defineCommands, defineSettings } from "./schema-control.ts";
import { defineControlPlane } from "./schema-control-plane.ts";
import { defineDrills, defineEvents, defineExecutions, defineVerifications } from "./schema-history.ts";
import {
  defineAgents,
  defineCertificates,
  defineEnrolmentTokens,
  defineSpoolEpochs,
  defineSpoolGaps,
} from "./schema-hosts.ts";

function defineSchema(d: Dialect) {
  const agents = defineAgents(d);
  return {
    agents,
    certificates: defineCertificates(d, agents),
    enrolmentTokens: defineEnrolmentTokens(d),
    spoolEpochs: defineSpoolEpochs(d, agents),
    spoolGaps: defineSpoolGaps(d, agents),
    events: defineEvents(d),
    items: defineItems(d),
    repositories: defineRepositories(d),
    executions: defineExecutions(d),
    backups: defineBackups(d),
    verifications: defineVerifications(d),
    drills: defineDrills(d),
    commands: defineCommands(d),
    apiKeys: defineApiKeys(d),
    audit: defineAudit(d),
    settings: defineSettings(d),
    aomeiJobs: defineAomeiJobs(d),
    aomeiJobNames: defineAomeiJobNames(d),
    aomeiRuns: defineAomeiRuns(d),
    aomeiReports: defineAomeiReports(d),
    aomeiCopies: defineAomeiCopies(d),
    aomeiSources: defineAomeiSources(d),
    aomeiImages: defineAomeiImages(d),
    ...defineControlPlane(d),
  };
}
export type Tables = ReturnType<typeof defineSchema>;

export const TABLES: Readonly<Record<DialectName, Tables>> = {
  sqlite: defineSchema(DIALECTS.sqlite),
  postgres: defineSchema(DIALECTS.postgres),
};
