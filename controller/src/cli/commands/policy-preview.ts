import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { PolicyPreviewDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { parseCount, plainText } from "../format.ts";
import { findItem } from "../item-named.ts";
import { parseMoment } from "../moment.ts";
import { table } from "../table.ts";
import { POLICIES_PATH, policyIdOf, readPolicy } from "./policies.ts";

export type PreviewOptions = Globals & {
  with?: string;
  runs?: string;
  from?: string;
  item?: string;
  agent?: string;
};

/** Of a policy by its name or id, or of one in a file: `-`, or a path with a slash or `.json` at its end. */
export async function previewPolicy(named: string, options: PreviewOptions): Promise<Answer> {
  const isFile = named === "-" || named.includes("/") || /\.json$/i.test(named);
  const file = isFile ? named : options.with;
  const policy = file === undefined ? {} : { policy: await readPolicy(file) };
  const runs = options.runs === undefined ? {} : { runs: parseCount(options.runs, "--runs", [1, 1000]) };
  const from = options.from === undefined ? {} : { from: parseMoment(options.from, "--from") };
  return await withClient(options, async (client) => {
    const which = isFile ? {} : { policy_id: await policyIdOf(client, named) };
    const body = { ...policy, ...which, ...runs, ...from, ...(await itemOf(client, options)) };
    const preview = await client.call<PolicyPreviewDocument>("POST", `${POLICIES_PATH}/preview`, { body });
    return { document: preview, text: () => previewText(preview), exitCode: EXIT.ok };
  });
}

async function itemOf(client: Client, { item, agent }: PreviewOptions): Promise<object> {
  if (item === undefined) return {};
  const { agent_id, vm_context_id } = await findItem(client, item, agent);
  return { agent_id, vm_context_id };
}

const CHANGED = { forward: "the clocks went forward", back: "the clocks went back" } as const;

function previewText(preview: PolicyPreviewDocument): string {
  const { runs, warnings, items, items_total, leaving, leaving_total, unknown_items, retention } = preview;
  const named = items.map(({ vm_name, vm_context_id }) => `${plainText(vm_name)} (${vm_context_id})`);
  const left = leaving.map(({ vm_name, vm_context_id }) => `${plainText(vm_name)} (${vm_context_id})`);
  const waits = retention.items.flatMap(({ vm_context_id, waits_for }) =>
    waits_for === null ? [] : [`  ${vm_context_id} would wait for a person: ${plainText(waits_for)}`],
  );
  return [
    runs.length === 0 ? "Nothing would run." : runsText(runs),
    ...warnings.map((text) => `Warning: ${plainText(text)}`),
    `Items: ${items_total}${some(named, items_total)}`,
    ...(leaving_total === 0 ? [] : [`Leaving it: ${leaving_total}${some(left, leaving_total)}`]),
    ...unknown_items.map(({ agent_id, vm_context_id }) => `Nobody protects ${vm_context_id} on ${agent_id}.`),
    `Retention would now remove ${retention.removes} backups and keep ${retention.keeps}${retention.whole ? "" : ", of those items that were looked at"}.`,
    ...waits,
  ].join("\n");
}

const MOST_NAMED = 10;

function some(names: string[], total: number): string {
  if (names.length === 0) return "";
  return `: ${names.slice(0, MOST_NAMED).join(", ")}${total > MOST_NAMED ? ", …" : ""}`;
}

function runsText(runs: PolicyPreviewDocument["runs"]): string {
  const rows = runs.map((run) => [
    `${run.local} ${run.offset}`,
    run.task,
    ...[
      run.closed_by === null ? "" : `not run: ${run.closed_by}`,
      run.dst_change === null ? "" : CHANGED[run.dst_change],
    ],
  ]);
  return table(["DUE", "TASK", "", ""], rows);
}
