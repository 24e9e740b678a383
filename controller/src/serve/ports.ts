/** The two ports and what works behind them. */
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import type { Logger } from "pino";
import type { ServerCertificate } from "../adapters/pki/issue.ts";
import { type KeptServerCertificate, keepServerCertificate } from "../adapters/pki/server-certificate.ts";
import type { ServeSettings } from "../config/settings.ts";
import { createApp } from "../http/app.ts";
import { type ApiContext, apiContext } from "../http/context.ts";
import { listenHttps } from "../http/listener.ts";
import { controlJobs } from "../jobs/control-jobs.ts";
import { purgeJob } from "../jobs/purge.ts";
import { runJobs } from "../jobs/run-jobs.ts";
import { watchJobs } from "../jobs/watch-jobs.ts";
import type { ControlContext } from "../services/control/context.ts";
import { readinessTroubles } from "../services/metrics/readiness.ts";
import { controllerVersion } from "../version.ts";
import { type AgentLink, openAgentLink } from "../ws/agent-link.ts";
import type { HubTls } from "../ws/listener.ts";
import type { Ground } from "./ground.ts";
import { startStep } from "./start-error.ts";

export type Ports = { url: string; agentUrl: string; httpsPort: number; agentPort: number };
type Options = { signal: AbortSignal; log: Logger };
type Link = { agentLink: AgentLink; certificate: KeptServerCertificate; agentUrl: string; agentPort: number };

/** How long requests under way may still take when the controller stops. */
const GRACE_MS = 3000;
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];

/** The agents' port first: whoever enrols over HTTPS finds it open. What is opened is handed to `opened`, to be closed. */
export async function openPorts(
  settings: ServeSettings,
  ground: Ground,
  options: Options,
  opened: AsyncDisposableStack,
): Promise<Ports> {
  const { signal, log } = options;
  const link = await openLink(settings, ground, options, opened);
  const context = contextOf(ground, link, options);
  const purge = purgeJob({ ...ground, log }, settings.history);
  const control = { ...controlOf(ground, link, settings, log), troubles: () => readinessTroubles(context) };
  const jobs = [purge, ground.browserCertificate?.job, ...controlJobs(control)];
  opened.adopt(
    runJobs(
      watchJobs(
        jobs.filter((job) => job !== undefined),
        context.heartbeats,
      ),
      log,
    ),
    (running) => running.stop(),
  );
  const listener = await startStep({ name: `HTTPS port ${settings.https_port}`, signal }, () =>
    listenHttps({
      app: createApp(context),
      host: hostOf(settings.listen),
      port: settings.https_port,
      internal: link.certificate.current,
      ...(ground.browserCertificate === null ? {} : { custom: ground.browserCertificate.current }),
    }),
  );
  opened.adopt(listener, (one) => one.close(GRACE_MS));
  const { agentUrl, agentPort } = link;
  return { url: urlOf("https", settings, listener.port), agentUrl, httpsPort: listener.port, agentPort };
}

async function openLink(
  settings: ServeSettings,
  ground: Ground,
  { signal, log }: Options,
  opened: AsyncDisposableStack,
): Promise<Link> {
  const { authority, now } = ground;
  // Known once the port is, which may be any free one.
  const place = { agentUrl: "" };
  const context = {
    ...{ store: ground.store, authority, now, log },
    get agentUrl() {
      return place.agentUrl;
    },
  };
  const onNew = (next: ServerCertificate) => agentLink.hub.setCertificate(tlsOf(ground, next));
  const certificate = keepServerCertificate(authority, [...settings.names, ...LOCAL_NAMES], now, onNew);
  opened.adopt(certificate, (kept) => kept.stop());
  const agentLink = openAgentLink(context, tlsOf(ground, certificate.current()));
  opened.adopt(agentLink, (link) => link.close());
  const { port: agentPort } = await startStep({ name: `agent port ${settings.agent_port}`, signal }, () =>
    agentLink.hub.listen(settings.agent_port, hostOf(settings.listen)),
  );
  place.agentUrl = urlOf("wss", settings, agentPort);
  return { agentLink, certificate, agentUrl: place.agentUrl, agentPort };
}

function tlsOf({ authority }: Ground, { cert, key }: ServerCertificate): HubTls {
  return { cert, key, ca: [authority.rootPem, authority.issuingPem] };
}

function contextOf(ground: Ground, { agentLink, agentUrl }: Link, { signal, log }: Options): ApiContext {
  const { links, presence, policies, delivery, feed } = agentLink;
  const { store, authority, issuer, telling, now } = ground;
  return apiContext({
    ...{ store, authority, issuer, telling, now, agentUrl, log, links, presence, policies, delivery },
    version: controllerVersion(),
    ...{ room: ground.room, evidence: ground.evidence },
    feed: {
      publish: feed.publish,
      // Readers of the feed never end by themselves.
      subscribe: (request) => feed.subscribe({ ...request, signal: AbortSignal.any([request.signal, signal]) }),
    },
  });
}

function controlOf(
  { store, telling, authority, now }: Ground,
  { agentLink }: Link,
  settings: ServeSettings,
  log: Logger,
): Omit<ControlContext, "troubles"> {
  const deadManUrl = settings.dead_man_url ?? null;
  const { links, presence, policies, delivery, feed } = agentLink;
  const { root, issuing } = authority;
  const authorityEndsAt = new Date(Math.min(root.validToDate.getTime(), issuing.validToDate.getTime()));
  const own = { deadManUrl, authorityEndsAt, startedAt: now() };
  return { ...own, store, telling, now, log, links, presence, policies, delivery, feed };
}

function urlOf(scheme: "https" | "wss", { names: [name = "localhost"] }: ServeSettings, port: number): string {
  return `${scheme}://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}

/** "::" takes IPv4 too; a host without IPv6 has only that. */
function hostOf(listen: string): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return listen === "::" && !addresses.some(({ family }) => family === "IPv6") ? "0.0.0.0" : listen;
}
