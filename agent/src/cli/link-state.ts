/** What `status` says about this host as an agent of a controller. */
import { asHoldfastError } from "../errors.ts";
import { clientIdentity, isEnrolled } from "../identity/client-identity.ts";
import { readStatus } from "../service/status-file.ts";
import { openSpool } from "../spool/spool.ts";
import { timeText } from "./format.ts";

export type LinkState = {
  agent_id: string;
  controller_url: string;
  certificate_until: string;
  /** null: it does not run. */
  service: { version: string; started_at: string; link: string; since: string; last_problem: string | null } | null;
  connected: boolean;
  waiting_events: number;
  spool: "ample" | "tight" | "full";
};

/** null while the host is not enrolled; what is wrong with the identity or the spool is said as a text. */
export async function linkState(stateDir: string): Promise<LinkState | string | null> {
  try {
    if (!(await isEnrolled(stateDir))) return null;
    const { agentId, controllerUrl, notAfter } = await clientIdentity(stateDir);
    const running = await readStatus(stateDir);
    const spool = openSpool(stateDir);
    const { waiting, room } = spool.counts();
    spool.close();
    const service = running && {
      ...{ version: running.version, started_at: running.started_at, link: running.link.phase },
      ...{ since: running.link.since, last_problem: running.link.last_problem },
    };
    return {
      ...{ agent_id: agentId, controller_url: controllerUrl, certificate_until: notAfter.toISOString() },
      ...{ service, connected: service?.link === "streaming", waiting_events: waiting, spool: room },
    };
  } catch (error) {
    return asHoldfastError(error, "looking at the link").message;
  }
}

export function linkLines(state: LinkState | string | null): string[] {
  if (state === null) return ["Controller: none; this host is not enrolled."];
  if (typeof state === "string") return [`Controller: ${state}`];
  const { service } = state;
  const problem = service?.last_problem ? ` (${service.last_problem})` : "";
  const link = service === null ? "the service does not run" : `${service.link} since ${timeText(service.since)}`;
  return [
    `Controller: ${state.controller_url}, as agent ${state.agent_id}; certificate until ${timeText(state.certificate_until)}`,
    `Link: ${state.connected ? `connected since ${timeText(service?.since ?? "")}` : `${link}${problem}`}; ${state.waiting_events} events wait`,
  ];
}
