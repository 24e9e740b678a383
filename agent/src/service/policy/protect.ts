/** What this host protects: its own configuration, and what its controller adds as far as that allows it. */
import { resolve } from "node:path";
import {
  type EventBody,
  type HostPolicy,
  type ItemEntry,
  itemEntry,
  type RepositoryEntry,
  repositoryEntry,
} from "@holdfast/protocol";
import { z } from "zod";
import type { Config } from "../../config/schema.ts";
import { asHoldfastError, HoldfastError } from "../../errors.ts";
import { checkItem, checkRepository } from "./check-entry.ts";

type Origin = { origin: "host" | "controller" };
export type ProtectedRepository = RepositoryEntry & Origin;
export type ProtectedItem = ItemEntry & Origin;
export type Refusal = EventBody<"policy_applied">["refused"][number];

export type Protected = {
  config: Config;
  repositories: ProtectedRepository[];
  items: ProtectedItem[];
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
  const each = async (subject: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => {
      const { code, message, remedy = null } = asHoldfastError(error, subject);
      refused.push({ subject, error: { code, message: message.slice(0, 4000), remedy } });
    });
  };
  for (const given of policy?.repositories ?? [])
    await each(`repository ${given.repository_id}`, async () => {
      const entry = parsed(repositoryEntry, given);
      refuseKnown(repositories, entry, "repository_id", (one) => one.repository_id);
      refuseKnown(repositories, entry, "path", (one) => resolve(one.path));
      await checkRepository(entry, config);
      await make(entry);
      repositories.push({ ...entry, origin: "controller" });
    });
  for (const given of policy?.items ?? [])
    await each(`item ${given.vm_context_id}`, async () => {
      const entry = parsed(itemEntry, given);
      refuseKnown(items, entry, "vm_context_id", (one) => one.vm_context_id);
      refuseKnown(items, entry, "vm_name", (one) => one.vm_name);
      refuseUnknownRepository(repositories, entry);
      await checkItem(entry, config);
      items.push({ ...entry, origin: "controller" });
    });
  return { config, repositories, items, policyVersion: policy?.version ?? null, refused };
}

function parsed<T>(schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new HoldfastError("BAD_REQUEST", {
    message: `this agent cannot carry it out as it stands: ${z.prettifyError(result.error).slice(0, 2000)}`,
    remedy: "Correct the entry; if it uses what a newer agent knows, update the agent.",
  });
}

function refuseKnown<Entry>(
  known: readonly (Entry & Origin)[],
  entry: Entry,
  field: string,
  fieldOf: (one: Entry) => string,
): void {
  const other = known.find((one) => fieldOf(one) === fieldOf(entry));
  if (other === undefined) return;
  const whose = other.origin === "host" ? "the host's own configuration" : "another entry of the policy";
  throw new HoldfastError("CONFLICT", {
    message: `${field} ${JSON.stringify(fieldOf(entry))} is taken by ${whose}, which goes first`,
    remedy: "Choose another, or leave the entry to the host.",
  });
}

function refuseUnknownRepository(repositories: readonly RepositoryEntry[], { repository_id }: ItemEntry): void {
  if (repositories.some((one) => one.repository_id === repository_id)) return;
  throw new HoldfastError("NOT_FOUND", {
    message: `this host has no repository ${repository_id}`,
    remedy: "Define it for this host, or see why it was refused.",
  });
}
