/** What this host protects: its own configuration, and what its controller adds as far as that allows it. */
import { resolve } from "node:path";
import {
  type EventBody,
  type HostPlan,
  type HostPolicy,
  type ItemEntry,
  itemEntry,
  type RepositoryEntry,
  repositoryEntry,
} from "@holdfast/protocol";
import type { Config } from "../../config/schema.ts";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import { allowedBy, checkItem, checkRepository } from "./check-entry.ts";
import { parsed } from "./parsed.ts";
import { readPlan } from "./read-plan.ts";

type Origin = { origin: "host" | "controller" };
export type ProtectedRepository = RepositoryEntry & Origin;
export type ProtectedItem = ItemEntry & Origin;
export type Refusal = EventBody<"policy_applied">["refused"][number];

export type Protected = {
  config: Config;
  repositories: ProtectedRepository[];
  items: ProtectedItem[];
  /** What is run by itself; each names items of this host only, and no item and task stands in two. */
  plans: HostPlan[];
  /** null before the first policy. */
  policyVersion: number | null;
  /** The entries of the policy that are not carried out, and why. */
  refused: Refusal[];
};

/** `make`: makes or opens a repository that is allowed; what it throws refuses the entry. */
export async function protect(
  config: Config,
  policy: HostPolicy | null,
  make: (entry: RepositoryEntry) => Promise<void>,
): Promise<Protected> {
  const repositories: ProtectedRepository[] = config.repositories.map((entry) => ({ ...entry, origin: "host" }));
  const items: ProtectedItem[] = config.items.map((entry) => ({ ...entry, origin: "host" }));
  const refused: Refusal[] = [];
  const taken = takenBy(repositories, items);
  const allowed = await allowedBy(config);
  const each = async (subject: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => {
      const { code, message, remedy = null } = asHoldfastError(error, subject);
      refused.push({ subject, error: { code, message: message.slice(0, 4000), remedy } });
    });
  };
  for (const given of policy?.repositories ?? [])
    await each(`repository ${given.repository_id}`, async () => {
      const entry = parsed(repositoryEntry, given);
      refuseTaken(taken, { repository_id: entry.repository_id, path: resolve(entry.path) });
      await checkRepository(entry, allowed);
      await make(entry);
      repositories.push({ ...entry, origin: "controller" });
      take(taken, "controller", { repository_id: entry.repository_id, path: resolve(entry.path) });
    });
  for (const given of policy?.items ?? [])
    await each(`item ${given.vm_context_id}`, async () => {
      const entry = parsed(itemEntry, given);
      const { vm_context_id, vm_name, repository_id } = entry;
      refuseTaken(taken, { vm_context_id, vm_name });
      if (!taken.repository_id.has(repository_id)) throw unknownRepository(repository_id);
      await checkItem(entry, allowed);
      items.push({ ...entry, origin: "controller" });
      take(taken, "controller", { vm_context_id, vm_name });
    });
  const plans: HostPlan[] = [];
  const planned = new Set<string>();
  const ids = new Set(items.map(({ vm_context_id }) => vm_context_id));
  for (const given of policy?.plans ?? [])
    await each(`plan ${given.policy_id}`, async () => {
      plans.push(readPlan(given, ids, planned));
    });
  return { config, repositories, items, plans, policyVersion: policy?.version ?? null, refused };
}

/** Who has each id, name and path. */
type Taken = Record<"repository_id" | "path" | "vm_context_id" | "vm_name", Map<string, Origin["origin"]>>;
type Marks = Partial<Record<keyof Taken, string>>;

function takenBy(repositories: readonly ProtectedRepository[], items: readonly ProtectedItem[]): Taken {
  const taken: Taken = { repository_id: new Map(), path: new Map(), vm_context_id: new Map(), vm_name: new Map() };
  for (const { repository_id, path } of repositories) take(taken, "host", { repository_id, path: resolve(path) });
  for (const { vm_context_id, vm_name } of items) take(taken, "host", { vm_context_id, vm_name });
  return taken;
}

function take(taken: Taken, by: Origin["origin"], marks: Marks): void {
  for (const [field, value] of entriesOf(marks)) taken[field].set(value, by);
}

function refuseTaken(taken: Taken, marks: Marks): void {
  for (const [field, value] of entriesOf(marks)) {
    const by = taken[field].get(value);
    if (by === undefined) continue;
    const whose = by === "host" ? "the host's own configuration" : "another entry of the policy";
    throw new HoldfastError("CONFLICT", {
      message: `${field} ${JSON.stringify(value)} is taken by ${whose}, which goes first`,
      remedy: "Choose another, or leave the entry to the host.",
    });
  }
}

function entriesOf(marks: Marks): [keyof Taken, string][] {
  return Object.entries(marks) as [keyof Taken, string][];
}

function unknownRepository(repositoryId: string): HoldfastError {
  return new HoldfastError("NOT_FOUND", {
    message: `this host has no repository ${repositoryId}`,
    remedy: "Define it for this host, or see why it was refused.",
  });
}
