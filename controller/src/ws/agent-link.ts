/** Everything behind the agent port, put together: what the program starts, and what the API works with. */
import type { Inventory } from "@holdfast/protocol";
import type { Logger } from "pino";
import type { Authority } from "../adapters/pki/authority.ts";
import { verifyAgentCertificate } from "../adapters/pki/verify.ts";
import type { Caller } from "../domain/access.ts";
import { type Job, runJobs } from "../jobs/run-jobs.ts";
import { admitCertificate } from "../services/certificates/admit.ts";
import { renewOverLink } from "../services/certificates/renew-over-link.ts";
import { type Delivery, openDelivery } from "../services/commands/delivery.ts";
import { expireCommands } from "../services/commands/expire-commands.ts";
import type { IdentityContext } from "../services/enrolment/context.ts";
import { type Feed, openFeed } from "../services/feed/feed.ts";
import type { Committed } from "../services/ingest/group-item.ts";
import { type Ingest, openIngest } from "../services/ingest/ingest.ts";
import { openPolicies, type Policies } from "../services/policies/policies.ts";
import { type Links, openLinks } from "../services/presence/links.ts";
import { openPresence, type Presence } from "../services/presence/presence.ts";
import { type Hub, openHub } from "./hub.ts";
import type { HubTls } from "./listener.ts";
import type { LinkIdentity } from "./ports.ts";
import type { HubSettings } from "./settings.ts";

export type AgentLink = {
  hub: Hub;
  links: Links;
  presence: Presence;
  feed: Feed;
  delivery: Delivery;
  policies: Policies;
  ingest: Ingest;
  /** Ends connections, commits what is under way, writes what is only in memory. The store stays open. */
  close(): Promise<void>;
};
export type AgentLinkContext = IdentityContext & { log: Logger };

const FLUSH_MS = 5000;
const EXPIRE_MS = 15_000;

export function openAgentLink(context: AgentLinkContext, tls: HubTls, settings: Partial<HubSettings> = {}): AgentLink {
  const { log } = context;
  const feed = openFeed(context);
  const links = openLinks();
  const presence = openPresence({ ...context, feed });
  const delivery = openDelivery({ ...context, links });
  const policies = openPolicies({ ...context, links });
  const onCommitted = (events: Committed[]) => {
    feed.publish(events);
    for (const event of events) follow(event, { presence, policies, log });
  };
  const ingest = openIngest({ ...context, onCommitted });
  const identity = linkIdentity(context);
  const hub = openHub({ ...context, identity, links, ingest, presence, delivery, policies }, tls, settings);
  const jobs = runJobs([flushJob(presence), expiryJob({ ...context, links, feed })], log);
  return {
    ...{ hub, links, presence, feed, delivery, policies, ingest },
    async close() {
      await jobs.stop();
      await hub.close();
      await ingest.close();
      await presence.flush();
    },
  };
}

function follow(
  event: Committed,
  { presence, policies, log }: Pick<AgentLink, "presence" | "policies"> & { log: Logger },
) {
  if (event.kind === "run_finished" && event.subject !== null) presence.ended(event.agentId, event.subject);
  if (event.kind !== "inventory" || !isLastPart(event.body)) return;
  policies.inventoried(event.agentId).catch((error: unknown) => log.error({ err: error }, "no policy was pushed"));
}

/** Of an inventory, as it is kept. */
function isLastPart({ covers }: Committed["body"] & { covers?: Inventory["covers"] }): boolean {
  return covers === undefined || covers.items?.through === null;
}

function linkIdentity(context: IdentityContext & { authority: Authority }): LinkIdentity {
  const callerOf = (agentId: string, source: string): Caller => ({
    actor: { kind: "agent", id: agentId, scopes: [], agentId },
    requestId: "link",
    source,
  });
  return {
    verify: (der) => verifyAgentCertificate(context.authority, der, context.now()),
    admit: (shown, source) => admitCertificate(context, callerOf(shown.agentId, source), shown),
    renew: ({ agentId, fingerprint }, csr, source) =>
      renewOverLink(context, callerOf(agentId, source), { agentId, fingerprint, csr }),
  };
}

function flushJob(presence: Presence): Job {
  return { name: "presence", everyMs: FLUSH_MS, run: () => presence.flush() };
}

function expiryJob(context: IdentityContext & Pick<AgentLink, "links" | "feed">): Job {
  return {
    name: "expire-commands",
    everyMs: EXPIRE_MS,
    async run() {
      const ended = await expireCommands(context);
      const told = { cursor: null, kind: "command_expired", at: context.now(), problem: null };
      context.feed.publish(
        ended.map(({ agentId, commandId, kind }) => ({
          ...{ ...told, agentId, subject: commandId },
          body: { command_id: commandId, kind },
        })),
      );
    },
  };
}
