import { SCOPE_OF, type Scope } from "../../domain/access.ts";
import { KINDS, KNOWN_KINDS } from "../../domain/command-kinds.ts";
import { secondPersonKinds } from "../approvals/second-person.ts";
import type { ServiceContext } from "../context.ts";

export type OfferedKind = { kind: string; scope: Scope; destructive: boolean; secondPerson: boolean; endpoint: string };

/** What can be asked for; a kind whose part does not exist yet is not offered. */
export async function listKinds({ store }: ServiceContext): Promise<OfferedKind[]> {
  const second = await store.read(secondPersonKinds);
  return KNOWN_KINDS.filter((kind) => KINDS[kind].available).map((kind) => {
    const { permission, destructive, endpoint } = KINDS[kind];
    return { kind, scope: SCOPE_OF[permission], destructive, secondPerson: second.includes(kind), endpoint };
  });
}
