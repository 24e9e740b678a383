/** What backups are worth, and how far 3-2-1-1-0 holds. */
import { percentText } from "../../domain/health/percent.ts";
import { agentIdOf, agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { ComplianceDocument, ItemHealthDocument, ItemStateDocument, ScopeHealthDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText, secondsText, stateWord, timeText } from "../format.ts";
import { findItem } from "../item-named.ts";
import { readObject } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { show } from "../single.ts";
import { facts, table } from "../table.ts";

type Worth = Pick<ItemHealthDocument, "score" | "band" | "proven">;
type Measured = Pick<ScopeHealthDocument, "score" | "band" | "proven" | "measured" | "trend">;

function worthText({ score, band, proven }: Worth): string {
  return `${percentText(score)}, ${stateWord(band)}${proven ? "" : ", not wholly proven"}`;
}

/** Of what nobody has measured a figure would say too much. */
function trendText({ score, band, proven, measured, trend }: Measured): string {
  if (band === null) return "nothing is protected yet";
  if (!measured) return `not proven: nothing was measured in seven days, ${stateWord(band)}`;
  return `${worthText({ score, band, proven })}, ${trend ?? "too new for a trend"}`;
}

function shareText(share: number | null): string {
  return share === null ? "not proven" : percentText(share);
}

const ITEMS: ListSpec<ItemStateDocument> = {
  path: "/api/v1/health/items",
  field: "items",
  columns: [
    ["ITEM", (item) => plainText(item.name)],
    ["HEALTH", worthText],
    ["NEWEST GOOD", (item) => timeText(item.newest_good_at)],
    ["VERIFIED", (item) => timeText(item.last_verified_at)],
    ["DRILLED", (item) => timeText(item.last_drilled_at)],
    ["RESTORE TIME", (item) => secondsText(item.rto_median_seconds)],
    ["3-2-1-1-0", (item) => (item.compliant ? "holds" : "no")],
    ["ID", (item) => item.vm_context_id ?? `aomei:${item.job_id}`],
    ["HOST", (item) => plainText(item.agent_id)],
  ],
  none: "There is no such item.",
};

export type HealthOptions = PageOptions & {
  agent?: string;
  items?: boolean;
  band?: string;
  compliant?: boolean;
};

/** Of one item, of each item, of a host, or of all. */
export async function health(named: string | undefined, options: HealthOptions): Promise<Answer> {
  if (named !== undefined) return await itemHealth(named, options);
  if (options.items === true || options.band !== undefined || options.compliant !== undefined)
    return await list(options, ITEMS, async (client) => ({
      ...(await agentQuery(client, options.agent)),
      band: options.band,
      compliant: options.compliant,
    }));
  return await scopeHealth(options);
}

async function scopeHealth(options: HealthOptions): Promise<Answer> {
  return await show(
    options,
    async (client) => {
      const of = options.agent === undefined ? "" : `/agents/${await agentIdOf(client, options.agent)}`;
      return await client.call<ScopeHealthDocument>("GET", `/api/v1/health${of}`);
    },
    ({ items, ...found }) => [
      ["health", trendText(found)],
      ...partFacts(found.parts),
      ["items", `${items.total}: ${items.good} good, ${items.warning} warning, ${items.critical} critical`],
      ["not proven", `${items.unproven} of ${items.total}`],
      ["3-2-1-1-0", `holds for ${items.compliant} of ${items.total}`],
    ],
  );
}

/** `aomei:<number>` is a task of AOMEI Backupper. */
async function partOf(client: Client, named: string, agent: string | undefined): Promise<string> {
  const [, job] = /^aomei:(\d+)$/.exec(named) ?? [];
  if (job !== undefined) return `aomei/${job}`;
  const { agent_id, vm_context_id } = await findItem(client, named, agent);
  return `${agent_id}/${encodeURIComponent(vm_context_id)}`;
}

async function itemHealth(named: string, options: HealthOptions): Promise<Answer> {
  return await show(
    options,
    async (client) => {
      const part = await partOf(client, named, options.agent);
      const path = part.startsWith("aomei/") ? part : `items/${part}`;
      return await client.call<ItemHealthDocument>("GET", `/api/v1/health/${path}`);
    },
    (found) => [
      ["item", `${plainText(found.name)} (${found.vm_context_id ?? `aomei:${found.job_id}`})`],
      ["host", plainText(found.agent_id)],
      ["health", trendText(found)],
      ...partFacts(found.parts),
      ["newest good", agedText(found.rpo)],
      ["not older than", wantedText(found.rpo.target_seconds, found.rpo.ok)],
      ["restore time", restoreText(found.rto)],
      ["restore within", wantedText(found.rto.target_seconds, found.rto.ok)],
      ["3-2-1-1-0", found.compliant ? `holds until ${timeText(found.true_until)}` : "does not hold"],
    ],
  );
}

function partFacts({ backup, verification, restore_test }: ItemHealthDocument["parts"]): (readonly [string, string])[] {
  return [
    ["backups", `${shareText(backup.rate)}: ${backup.successful} of ${backup.total} in seven days`],
    ["verifications", `${shareText(verification.rate)}: ${verification.passed} of ${verification.total} passed`],
    ["drills", `${shareText(restore_test.rate)}: ${restore_test.passed} of ${restore_test.total} passed`],
  ];
}

function agedText({ newest_good_at, age_seconds }: ItemHealthDocument["rpo"]): string {
  return newest_good_at === null ? "none" : `${timeText(newest_good_at)}, ${secondsText(age_seconds)} old`;
}

function restoreText({ median_seconds, worst_seconds, drills }: ItemHealthDocument["rto"]): string {
  if (median_seconds === null) return "not measured";
  return `${secondsText(median_seconds)}, at worst ${secondsText(worst_seconds)} (${drills} drills)`;
}

function wantedText(target: number | null, ok: boolean | null): string {
  if (target === null) return "-";
  return `${secondsText(target)}: ${ok === null ? "not measured" : ok ? "met" : "missed"}`;
}

/** Exit code 1 when it does not hold. `with`: as it would be after changes in a file. */
export async function compliance(named: string, options: Globals & { agent?: string; with?: string }): Promise<Answer> {
  const changes = options.with === undefined ? null : await readObject(options.with, "`changes`");
  return await withClient(options, async (client) => {
    const path = `/api/v1/compliance/${await partOf(client, named, options.agent)}`;
    const found =
      changes === null
        ? await client.call<ComplianceDocument>("GET", path)
        : await client.call<ComplianceDocument>("POST", `${path}/what-if`, { body: changes });
    const exitCode = found.compliant ? EXIT.ok : EXIT.failed;
    return { document: found, text: () => complianceText(found), exitCode };
  });
}

function foundText(counted: number, wanted: number): string {
  return wanted === 0 ? `${counted} where none is wanted` : `${counted} of ${wanted}`;
}

function complianceText({ compliant, digits, copies, true_until }: ComplianceDocument): string {
  const until = true_until === null ? "" : ` until ${timeText(true_until)}`;
  const lines = digits.map(({ digit, wanted, counted, holds, evidence }) => {
    const words = evidence.map(plainText).join("; ");
    return [
      digit,
      `${holds ? "holds" : "no"}: ${foundText(counted, wanted)}${words === "" ? "" : `; ${words}`}`,
    ] as const;
  });
  const rows = copies.map((copy) => [
    plainText(copy.copy),
    plainText(copy.media),
    ...[copy.off_site, copy.offline, copy.immutable, copy.counts].map((is) => (is ? "yes" : "no")),
    ...[timeText(copy.last_success_at), timeText(copy.last_drilled_at), plainText(copy.why)],
  ]);
  const head = ["COPY", "MEDIA", "OFF SITE", "OFFLINE", "IMMUTABLE", "COUNTS", "NEWEST GOOD", "DRILLED", "WHY"];
  return [
    facts([["3-2-1-1-0", compliant ? `holds${until}` : "does not hold"], ...lines]),
    ...(rows.length === 0 ? [] : [table(head, rows)]),
  ].join("\n");
}
