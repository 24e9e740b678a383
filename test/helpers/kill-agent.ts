/** The kill tests' orders as command lines of `holdfast-agent`, and its answers as what a worker tells. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Drill, Sidecar, Verification } from "../../protocol/src/index.ts";
import { diskIds, ITEM_ID, type Layout, type Order, sourceOf, type WorkerEvent } from "./kill-orders.ts";

export const AGENT = resolve(import.meta.dirname, "../../agent/src/cli.ts");

/** Writes the configuration of the world's agent. */
export async function configureAgent(world: string, layout: Layout): Promise<void> {
  const disks = diskIds(layout).map((diskId) => ({ disk_id: diskId, source: sourceOf(world, layout, diskId) }));
  const config = {
    state_dir: join(world, "state"),
    scratch_dir: join(world, "scratch"),
    roots: [join(world, "disks")],
    repositories: [{ repository_id: "main", path: join(world, "repository") }],
    items: [{ vm_context_id: ITEM_ID, vm_name: "vm", repository_id: "main", disks }],
    floor: { min_points: 1, min_age_days: 0 },
  };
  await writeFile(join(world, "agent.json"), JSON.stringify(config));
}

export function agentArguments(world: string, order: Order): string[] {
  return ["--config", join(world, "agent.json"), ...verb(order), "--json"];
}

function verb(order: Order): string[] {
  switch (order.do) {
    case "backup":
      return ["backup", ITEM_ID, ...(order.type === "auto" ? [] : [`--${order.type}`])];
    case "verify":
    case "drill":
      return [order.do, order.backupId];
    case "removal":
      return ["repository", "delete", ...order.backupIds];
  }
}

type Document = {
  code?: string;
  error?: string;
  details?: string | null;
  backups?: Sidecar[];
  verifications?: Verification[];
  drills?: Drill[];
  removed?: string[];
};

/** What an agent that came to its end said. */
export function eventsOfAnswer(text: string): WorkerEvent[] {
  if (text.trim() === "") return [];
  const { code, error, details, backups, verifications = [], drills = [], removed } = JSON.parse(text) as Document;
  if (code !== undefined) return [{ event: "failed", code, message: error ?? "", details: details ?? null }];
  const made = backups?.map((each) => ({ id: each.backup_id, diskId: each.disk_id, type: each.backup_type }));
  return [
    ...(made === undefined ? [] : [{ event: "completed" as const, backups: made }]),
    ...verifications.map((one) => proven("verification", one.verification_id, one)),
    ...drills.map((one) => proven("drill", one.drill_id, one)),
    ...(removed === undefined ? [] : [{ event: "removed" as const, ids: removed }]),
    { event: "end" },
  ];
}

function proven(kind: "verification" | "drill", id: string, one: Verification | Drill): WorkerEvent {
  return { event: "proven", kind, id, status: one.status, reason: one.reason };
}
