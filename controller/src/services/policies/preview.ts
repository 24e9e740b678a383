/** What a policy would do, and to what, before it does anything. */
import type { ClosedSpan } from "@holdfast/protocol";
import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { type BoundItem, bindings } from "../../domain/policy/bind.ts";
import type { PlannedHost } from "../../domain/policy/plan.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import { nextRuns, type PreviewRun } from "../../domain/policy/preview.ts";
import { warningsOf } from "../../domain/policy/warnings.ts";
import { closedSpans } from "../../domain/policy/windows.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { findAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { openWindows } from "../windows/open-windows.ts";
import { findPolicy, refuseLimited } from "./find.ts";
import { plannedHost, policiesInForce } from "./load-bindings.ts";
import { controllerZone } from "./zone.ts";

/** One of `body` and `policyId` at least; with both, what a change of that policy would do. */
export type PreviewRequest = {
  body?: PolicyBody | undefined;
  policyId?: string | undefined;
  runs: number;
  from?: Date | undefined;
  /** Whose zone, maintenance and jitter are meant. */
  agentId?: string | undefined;
  vmContextId?: string | undefined;
};

export type PreviewItem = BoundItem & { boundBy: "explicit" | "selector"; insteadOf: string | null };
export type PolicyPreview = {
  zone: string;
  runs: PreviewRun[];
  /** Sentences about what is hardly meant. */
  warnings: string[];
  /** Those it would have. */
  items: PreviewItem[];
  /** Those that it has and would have no more. */
  leaving: BoundItem[];
  /** Those that it names and that nobody protects. */
  unknown: PolicyBody["items"];
};

const AHEAD_MS = 400 * 86_400_000;
/** For a policy that is not there yet: every other one is older. */
const NOT_YET = "new";

/** FORBIDDEN, NOT_FOUND, VALIDATION_ERROR. */
export async function previewPolicy(
  { store, now }: ServiceContext,
  actor: Actor,
  request: PreviewRequest,
): Promise<PolicyPreview> {
  refuseLimited(actor);
  const at = now();
  return await store.read(async (db) => {
    const known = request.policyId === undefined ? null : await findPolicy(db, request.policyId);
    const body = request.body ?? known?.body;
    if (body === undefined) throw invalidFields([{ path: "policy", message: "or policy_id is required" }]);
    const draft = { policyId: known?.policyId ?? NOT_YET, createdAt: known?.createdAt ?? at, body };
    const host = await hostOf(db, actor, request.agentId);
    const runs = await previewRuns(db, body, { host, request, at });
    return { zone: host.zone, ...runs, ...(await previewItems(db, draft)) };
  });
}

async function hostOf(db: Db, actor: Actor, agentId: string | undefined): Promise<PlannedHost> {
  if (agentId === undefined) return { agentId: "", labels: {}, zone: controllerZone() };
  return plannedHost(await findAgent(db, actor, agentId));
}

type Asked = { host: PlannedHost; request: PreviewRequest; at: Date };

async function previewRuns(
  db: Db,
  body: PolicyBody,
  { host, request, at }: Asked,
): Promise<Pick<PolicyPreview, "runs" | "warnings">> {
  const from = request.from ?? at;
  const until = new Date(from.getTime() + AHEAD_MS);
  const target = { ...host, vmName: await vmNameOf(db, request) };
  const spans = closedSpans(await openWindows(db, at), target, from, until);
  const closed: ClosedSpan[] = spans.map((span) => ({
    from: span.from.toISOString(),
    until: span.until.toISOString(),
  }));
  const job = `${host.agentId}/${request.vmContextId ?? ""}`;
  const question = { from, count: request.runs, zone: host.zone, job, closed };
  return { runs: nextRuns(body, question), warnings: warningsOf(body, question) };
}

/** Maintenance can be of single VMs. */
async function vmNameOf(db: Db, { agentId, vmContextId }: PreviewRequest): Promise<string | undefined> {
  if (agentId === undefined || vmContextId === undefined) return undefined;
  const { items: i } = db.tables;
  const [item] = await db
    .select({ vmName: i.vmName })
    .from(i)
    .where(and(eq(i.agentId, agentId), eq(i.vmContextId, vmContextId)));
  return item?.vmName;
}

async function previewItems(db: Db, draft: { policyId: string; createdAt: Date; body: PolicyBody }) {
  const { agents: a, items: i, itemPolicies: b } = db.tables;
  const others = (await policiesInForce(db)).filter(({ policyId }) => policyId !== draft.policyId);
  const { enabled, priority } = draft.body;
  const policies = enabled ? [...others, { ...draft, priority }] : others;
  const hosts = await db.select({ agentId: a.agentId, labels: a.labels, state: a.state }).from(a);
  const items = await db
    .select({ agentId: i.agentId, vmContextId: i.vmContextId, vmName: i.vmName })
    .from(i)
    .where(isNull(i.retiredAt));
  const now = await db.select({ agentId: b.agentId, vmContextId: b.vmContextId, policyId: b.policyId }).from(b);
  const has = new Map(now.map((row) => [keyOf(row), row.policyId]));
  const living = hosts.filter(({ state }) => state === "enrolled");
  const mine = bindings(policies, living, items).filter(({ policyId }) => policyId === draft.policyId);
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  const kept = new Set(mine.map(keyOf));
  return {
    items: mine.flatMap((binding) => {
      const item = byKey.get(keyOf(binding));
      const before = has.get(keyOf(binding)) ?? null;
      const insteadOf = before === draft.policyId ? null : before;
      return item === undefined ? [] : [{ ...item, boundBy: binding.boundBy, insteadOf }];
    }),
    leaving: items.filter((item) => has.get(keyOf(item)) === draft.policyId && !kept.has(keyOf(item))),
    unknown: draft.body.items.filter(
      ({ agent_id: agentId, vm_context_id: vmContextId }) => !byKey.has(keyOf({ agentId, vmContextId })),
    ),
  };
}

function keyOf({ agentId, vmContextId }: { agentId: string; vmContextId: string }): string {
  return `${agentId}/${vmContextId}`;
}
