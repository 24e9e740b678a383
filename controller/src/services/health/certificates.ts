import { and, eq, isNull, max } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";

/** Agents renew theirs long before. */
const AGENT_MS = 7 * 86_400_000;
const AUTHORITY_MS = 30 * 86_400_000;

type Context = Pick<ControlContext, "store" | "now" | "authorityEndsAt">;

/** Looks whose certificate ends soon; call it now and then. */
export async function observeCertificates({ store, now, authorityEndsAt }: Context): Promise<void> {
  const at = now();
  const agents = await store.read(newestOfAgents);
  const seen = [...agents.map((agent) => ofAgent(agent, at)), ofAuthority(authorityEndsAt, at)];
  const firing = await store.read(firingKeys);
  const news = seen.filter(({ state, subject }) => state === "firing" || firing.has(subject.key));
  if (news.length > 0) await store.write((db) => recordObservations(db, news, at));
}

type Held = { agentId: string; name: string; notAfter: Date | null };

async function newestOfAgents(db: Db): Promise<Held[]> {
  const { agents: a, certificates: c } = db.tables;
  return await db
    .select({ agentId: a.agentId, name: a.name, notAfter: max(c.notAfter) })
    .from(a)
    .innerJoin(c, and(eq(c.agentId, a.agentId), isNull(c.revokedAt)))
    .where(eq(a.state, "enrolled"))
    .groupBy(a.agentId, a.name);
}

function ofAgent({ agentId, name, notAfter }: Held, now: Date): Observation {
  const subject = { kind: "agent", key: `agent:${agentId}`, agentId } as const;
  return ofCertificate({ subject, type: "certificate_expiring" }, `the certificate of the agent ${name}`, {
    ...{ notAfter: notAfter ?? now, soonMs: AGENT_MS, now },
  });
}

function ofAuthority(notAfter: Date, now: Date): Observation {
  const subject = { kind: "controller", key: "controller:authority", agentId: null } as const;
  const about = { subject, type: "certificate_expiring", severity: "critical" } as const;
  return ofCertificate(about, "this controller's own certificate authority", { notAfter, soonMs: AUTHORITY_MS, now });
}

function ofCertificate(
  about: Pick<Observation, "subject" | "type" | "severity">,
  what: string,
  { notAfter, soonMs, now }: { notAfter: Date; soonMs: number; now: Date },
): Observation {
  const evidence = { not_after: notAfter.toISOString() };
  const left = notAfter.getTime() - now.getTime();
  if (left > soonMs) return { ...about, state: "ok", message: `${what} does not end soon`, evidence };
  const message = `${what} ${left > 0 ? "ends" : "ended"} at ${notAfter.toISOString()}`;
  return { ...about, state: "firing", message, evidence };
}

async function firingKeys(db: Db): Promise<Set<string>> {
  const { conditions: c } = db.tables;
  const rows = await db
    .select({ key: c.subjectKey })
    .from(c)
    .where(and(eq(c.state, "firing"), eq(c.type, "certificate_expiring")));
  return new Set(rows.map(({ key }) => key));
}
