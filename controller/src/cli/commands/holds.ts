import { backupId } from "@holdfast/protocol";
import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Client } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { BackupDocument, HoldDocument } from "../documents.ts";
import { plainText, shortText, timeText } from "../format.ts";
import { findItem, itemQuery } from "../item-named.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { parseEnd } from "../moment.ts";
import { tell } from "../single.ts";
import { backupPath } from "./backups.ts";

const PATH = "/api/v1/holds";

const HOLDS: ListSpec<HoldDocument> = {
  path: PATH,
  field: "holds",
  columns: [
    ["SINCE", (hold) => timeText(hold.created_at)],
    ["WHAT", whatText],
    ["KIND", (hold) => hold.kind],
    ["UNTIL", (hold) => (hold.until === null ? "it is released" : timeText(hold.until))],
    ["RELEASED", (hold) => timeText(hold.released_at)],
    ["BY", (hold) => plainText(hold.created_by)],
    ["WHY", (hold) => shortText(hold.reason)],
    ["ID", (hold) => hold.hold_id],
  ],
  none: "Nothing is held.",
};

function whatText({ backup_id, vm_context_id }: Pick<HoldDocument, "backup_id" | "vm_context_id">): string {
  return backup_id ?? `all of ${vm_context_id}`;
}

export type ListHoldsOptions = PageOptions & { agent?: string; item?: string; open?: boolean };

export async function listHolds(options: ListHoldsOptions): Promise<Answer> {
  return await list(options, HOLDS, async (client) => ({
    ...(await itemQuery(client, options.item, options.agent)),
    ...(options.open === true ? { released: false } : {}),
  }));
}

export type AddHoldOptions = Globals & { agent?: string; kind?: string; until?: string; reason: string };
type Made = HoldDocument & { removals_under_way: string[] };

/** Of one backup, or of an item with all that is to come. */
export async function addHold(named: string, options: AddHoldOptions): Promise<Answer> {
  const { kind = "legal", reason } = options;
  const until = options.until === undefined ? null : parseEnd(options.until, "--until", new Date());
  return await tell(
    options,
    async (client) => {
      const body = { ...(await subjectOf(client, named, options.agent)), kind, until, reason };
      return await client.call<Made>("POST", PATH, { body });
    },
    (made) => {
      const going = made.removals_under_way;
      const race = going.length === 0 ? "" : `\nIts host had been told to remove it: ${going.join(", ")}; look there.`;
      return `The hold ${made.hold_id} keeps ${whatText(made)}.${race}`;
    },
  );
}

async function subjectOf(client: Client, named: string, agent: string | undefined): Promise<object> {
  if (!backupId.safeParse(named).success) {
    const { agent_id, vm_context_id } = await findItem(client, named, agent);
    return { agent_id, vm_context_id };
  }
  const query = await agentQuery(client, agent);
  const { agent_id, vm_context_id } = await client.call<BackupDocument>("GET", backupPath(named), { query });
  return { agent_id, vm_context_id, backup_id: named };
}

export async function releaseHold(id: string, options: Globals & { reason: string }): Promise<Answer> {
  const path = `${PATH}/${encodeURIComponent(id)}/release`;
  return await tell(
    options,
    (client) => client.call<HoldDocument>("POST", path, { body: { reason: options.reason } }),
    (hold) => `${whatText(hold)} is no longer held by ${hold.hold_id}.`,
  );
}
