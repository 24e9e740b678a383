/** Kills `holdfast-agent serve` while it carries out what the API asks, and compares both sides in the end. */
import { join, resolve } from "node:path";
import { placedBackups, readCatalogue } from "../../agent/src/repository/catalogue.ts";
import { readEvidence } from "../../agent/src/repository/evidence.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { type Random, randomFrom } from "./kill-random.ts";
import { makeServiceHost, type ServiceTestHost } from "./service-host.ts";
import type { ServiceProcess } from "./service-world.ts";

const chaos = resolve(import.meta.dirname, "../chaos");
const LONGEST_MS = 6000;
const ENDS = ["done", "refused", "failed", "cancelled", "expired"];

export type ServiceKillReport = {
  summary: { seed: number; kills: number; points: number; false_completed: number; lost: number; doubled: number };
  faults: string[];
};

/** Needs QEMU's tools. Ends early after `budgetMs`. */
export async function runServiceKills(wish: {
  seed: number;
  kills: number;
  budgetMs?: number;
  onProgress?: (line: string) => void;
}): Promise<ServiceKillReport> {
  const { seed, kills, budgetMs = Number.POSITIVE_INFINITY, onProgress } = wish;
  const random = randomFrom(seed, "service");
  const host = await makeServiceHost(256 * 1024);
  const points = new Set<string>();
  const until = performance.now() + budgetMs;
  let count = 0;
  try {
    await host.enroll();
    const first = host.start();
    await host.known();
    await host.backupIs(await host.startBackup(), ["completed"]);
    await end(first);
    while (count < kills && performance.now() < until) {
      const [order, point] = await killOnce(host, random);
      count += 1;
      points.add(`${order} ${point}`);
      onProgress?.(`${count}/${kills} ${order} ${point}`);
    }
    host.start();
    const faults = await compare(host);
    const of = (kind: string): number => faults.filter((fault) => fault.startsWith(kind)).length;
    const counts = { false_completed: of("false"), lost: of("lost"), doubled: of("doubled") };
    return { summary: { seed, kills: count, points: points.size, ...counts }, faults };
  } finally {
    await host.remove();
  }
}

async function end(service: ServiceProcess): Promise<void> {
  service.child.kill("SIGKILL");
  await service.ended;
}

/** Starts the service under a kill plan, gives a command, and waits for the kill; at the latest it kills by itself. */
async function killOnce(host: ServiceTestHost, random: Random): Promise<[order: string, point: string]> {
  await host.writeDisk();
  const when = random.below(2) === 0 ? "before" : "after";
  const nth = 1 + random.below(14);
  const byCommit = random.below(2) === 0;
  const plan = byCommit
    ? { HOLDFAST_FLEET_KILL: JSON.stringify({ step: "COMMIT", nth, when }) }
    : { HOLDFAST_KILL_PLAN: JSON.stringify({ step: `#${6 + 3 * nth}`, when, victim: "agent", delayMs: 0, known: [] }) };
  const preload = join(chaos, byCommit ? "fleet/kill-at.ts" : "kill-at.ts");
  const service = host.start(plan, ["--import", preload]);
  const order = await giveOrder(host, random);
  const late = setTimeout(() => service.child.kill("SIGKILL"), 1500 + random.below(LONGEST_MS - 1500));
  await service.ended;
  clearTimeout(late);
  const step = service.log.map(({ step: at }) => at).findLast((at) => typeof at === "string");
  return [order, step === undefined ? "a time" : `${when} ${byCommit ? `${nth}. ` : ""}${step}`];
}

async function giveOrder(host: ServiceTestHost, random: Random): Promise<string> {
  const backups = (await host.get("/api/v1/backup/list?status=completed"))["backups"] as Json[];
  const id = backups[random.below(backups.length)]?.["backup_id"];
  const orders = ["backup", "backup", "validate", "drill", "pin", "delete"] as const;
  const order = orders[random.below(orders.length)] ?? "backup";
  // What is refused (one is under way, or it must stay) is an answer as well.
  if (order === "backup")
    await host.call("POST", "/api/v1/backup/start", {
      ...{ vm_name: "web", repository_id: "main", backup_type: random.below(2) === 0 ? "full" : "incremental" },
    });
  if (order === "validate") await host.call("POST", `/api/v1/backup/${id}/validate`);
  if (order === "drill") await host.call("POST", "/api/v1/drills", { backup_id: id });
  if (order === "pin") void host.call("POST", `/api/v1/backup/${id}/pin`, { reason: "test" }).catch(() => undefined);
  if (order === "delete")
    void host.call("DELETE", `/api/v1/backup/${backups.at(-1)?.["backup_id"]}`).catch(() => undefined);
  return order;
}

/** Once every command has ended and nothing waits to be told. */
async function compare(host: ServiceTestHost): Promise<string[]> {
  await host.until("/api/v1/commands?limit=200", ({ commands }) =>
    (commands as Json[]).every(({ state }) => ENDS.includes(String(state))) ? true : undefined,
  );
  await host.until("/api/v1/executions?state=running", ({ executions }) =>
    (executions as Json[]).length === 0 ? true : undefined,
  );
  const told = new Set<string>();
  const doubled: string[] = [];
  const add = (fact: string): void => {
    if (told.has(fact)) doubled.push(`doubled ${fact}`);
    told.add(fact);
  };
  const backups = (await host.get("/api/v1/backup/list?status=completed&limit=200"))["backups"] as Json[];
  for (const { backup_id, pinned } of backups) add(`${backup_id} pinned ${pinned}`);
  for (const kind of ["verifications", "drills"])
    for (const one of (await host.get(`/api/v1/${kind}?limit=200`))[kind] as Json[])
      if (backups.some(({ backup_id }) => backup_id === one["backup_id"]))
        add(`proof ${one["verification_id"] ?? one["drill_id"]}`);
  const truth = await truthOf(join(host.hostFolder, "main"));
  return [
    ...doubled,
    ...[...truth].filter((fact) => !told.has(fact)).map((fact) => `lost ${fact}`),
    ...[...told].filter((fact) => !truth.has(fact)).map((fact) => `false ${fact}`),
  ];
}

async function truthOf(path: string): Promise<Set<string>> {
  const facts = new Set<string>();
  for (const disk of await readCatalogue(await openRepository(path)))
    for (const { backup_id } of placedBackups(disk)) {
      const { verifications, drills, pinned } = await readEvidence(disk.folder, backup_id);
      facts.add(`${backup_id} pinned ${pinned !== undefined}`);
      for (const { verification_id } of verifications) facts.add(`proof ${verification_id}`);
      for (const { drill_id } of drills) facts.add(`proof ${drill_id}`);
    }
  return facts;
}
