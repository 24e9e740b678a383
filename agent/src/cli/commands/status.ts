import { asHoldfastError } from "../../errors.ts";
import { readDisk } from "../../repository/catalogue.ts";
import { readAllEvidence } from "../../repository/evidence.ts";
import { openRepository } from "../../repository/marker.ts";
import { readLedger } from "../../runner/ledger.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import { lookAtTools, type Tool } from "../../runner/tools.ts";
import { agentVersion } from "../../version.ts";
import type { Answer } from "../answer.ts";
import { EXIT, type ExitCode, worstOf } from "../exit-codes.ts";
import { secondsText, stateWord, timeText } from "../format.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { type DiskState, diskState } from "../item-state.ts";
import { type LinkState, linkLines, linkState } from "../link-state.ts";
import { type PlannedRun, plannedRuns, plannedTable } from "../planned-runs.ts";
import { configuredRepository } from "../repositories.ts";
import { table } from "../table.ts";

const SHOWN_RUNS = 10;

type ItemRow = DiskState & {
  vm_context_id: string;
  vm_name: string;
  disk_id: number;
  repository_id: string;
  origin: "host" | "controller";
  error: string | null;
};

/** `holdfast-agent status`: 3 when a newest backup is damaged, 1 when a tool or a repository is missing. */
export async function status(options: GlobalOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const { ledger } = await runContext(host);
    const tools = await lookAtTools();
    const items = await itemRows(host);
    const controller = await linkState(host.config.state_dir);
    const planned = plannedRuns(host.config, host.now(), host.warn);
    const { runs, unreadable } = await readLedger(ledger);
    for (const name of unreadable) host.warn(`the record ${ledger}/${name} cannot be read`);
    const agent = {
      version: agentVersion(),
      node: process.version,
      config_file: host.config.file,
      state_dir: host.config.state_dir,
    };
    const shown = runs.filter((run, index) => index < SHOWN_RUNS || run.state === "lost").slice(0, 2 * SHOWN_RUNS);
    return {
      document: {
        agent,
        tools,
        controller,
        policy: host.config.policy,
        items,
        planned,
        runs: shown,
        warnings: host.warnings,
      },
      text: () => statusText(host, { version: agent.version, tools, controller, planned }, items, shown),
      exitCode: worstOf(exitCodes(tools, items)),
    };
  });
}

async function itemRows({ config }: Host): Promise<ItemRow[]> {
  const rows: ItemRow[] = [];
  for (const { vm_context_id, vm_name, repository_id, disks, origin } of config.items)
    for (const { disk_id } of disks) {
      const about = { vm_context_id, vm_name, disk_id, repository_id, origin };
      try {
        const path = configuredRepository(config, repository_id)?.path ?? "";
        const repository = await openRepository(path, repository_id);
        const disk = await readDisk(repository, { vmContextId: vm_context_id, diskId: disk_id });
        rows.push({ ...about, ...diskState(disk, await readAllEvidence(disk)), error: null });
      } catch (error) {
        rows.push({ ...about, ...UNKNOWN, error: asHoldfastError(error, `looking at ${vm_name}`).message });
      }
    }
  return rows;
}

const UNKNOWN: DiskState = { state: "none", newest_backup: null, newest_verified: null, newest_drilled: null };

function exitCodes(tools: readonly Tool[], items: readonly ItemRow[]): ExitCode[] {
  return [
    ...(tools.some(({ state }) => state === "missing") ? [EXIT.failed] : []),
    ...items.flatMap(({ state, error }) => (error !== null ? [EXIT.failed] : state === "damaged" ? [EXIT.damage] : [])),
  ];
}

type About = {
  version: string;
  tools: readonly Tool[];
  controller: LinkState | string | null;
  planned: readonly PlannedRun[];
};

async function statusText(
  { config }: Host,
  { version, tools, controller, planned }: About,
  items: readonly ItemRow[],
  runs: readonly RunRecord[],
): Promise<string> {
  return [
    `holdfast-agent ${version} on Node ${process.version}`,
    `Configuration: ${config.file ?? "none (see docs/configuration.md)"}; state in ${config.state_dir}`,
    ...tools.map((tool) => `${tool.name}: ${tool.version ?? stateWord("missing")}`),
    ...linkLines(controller),
    "",
    items.length === 0 ? "No items are configured." : await itemTable(items),
    ...items.flatMap(({ vm_name, error }) => (error === null ? [] : [`${vm_name}: ${error}`])),
    ...config.policy.refused.map(
      ({ subject, error }) => `Not carried out for the controller: ${subject}: ${error.message}`,
    ),
    ...(planned.length === 0 ? [] : ["", await plannedTable(planned)]),
    "",
    runs.length === 0 ? "Nothing has run yet." : await runTable(runs),
  ].join("\n");
}

function itemTable(items: readonly ItemRow[]): Promise<string> {
  const time = (at: string | undefined) => (at === undefined ? "-" : timeText(at));
  const rows = items.map((item) => [
    item.vm_name,
    String(item.disk_id),
    item.origin,
    stateWord(item.error === null ? item.state : "missing"),
    time(item.newest_backup?.completed_at),
    time(item.newest_verified?.verified_at),
    time(item.newest_drilled?.drilled_at),
    item.newest_drilled?.restore_seconds == null ? "-" : secondsText(item.newest_drilled.restore_seconds),
  ]);
  return table(
    ["ITEM", "DISK", "DEFINED BY", "STATE", "NEWEST BACKUP", "LAST VERIFIED", "LAST DRILL", "RESTORE TIME"],
    rows,
  );
}

function runTable(runs: readonly RunRecord[]): Promise<string> {
  const rows = runs.map((run) => [timeText(run.started_at), run.kind, run.item, stateWord(run.state), wordsOf(run)]);
  return table(["RUN BEGAN", "WHAT", "ITEM", "STATE", ""], rows);
}

function wordsOf(run: RunRecord): string {
  if (run.state === "running") return `process ${run.process.pid}`;
  return (run.state === "completed" ? run.outcome : run.error.message).slice(0, 100);
}
