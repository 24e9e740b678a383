/** What a spool tells, folded, against what its host has. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { placedBackups, readCatalogue } from "../../agent/src/repository/catalogue.ts";
import { readEvidence } from "../../agent/src/repository/evidence.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import { openSpool } from "../../agent/src/spool/spool.ts";
import type { EventEnvelope } from "../../protocol/src/index.ts";

export type Faults = { lost: string[]; doubled: string[] };

type Body = Record<string, unknown>;
const field = (body: unknown, name: string): string => String((body as Body)[name]);

/** Facts by name. */
type Facts = Set<string>;

/** What is told and not true, or true and not told; and what is told twice. */
export async function faultsOfTelling(stateDir: string, repositoryPath: string): Promise<Faults> {
  const spool = openSpool(stateDir);
  const { events } = spool.pending(0, 1_000_000, 1e9);
  const open = spool.intents().map(({ intent_id }) => `the intent ${intent_id} is still open`);
  spool.close();
  const { told, doubled, lostRuns } = fold(events);
  const truth = await truthOf(stateDir, repositoryPath);
  // One that was killed before its record was written is known to the spool alone.
  for (const id of lostRuns) truth.add(`begun ${id}`).add(`ended ${id}`);
  const lost = [...truth].filter((fact) => !told.has(fact)).map((fact) => `not told: ${fact}`);
  const invented = [...told].filter((fact) => !truth.has(fact)).map((fact) => `told, but not so: ${fact}`);
  return { lost: [...open, ...lost, ...invented], doubled };
}

async function truthOf(stateDir: string, repositoryPath: string): Promise<Facts> {
  const facts: Facts = new Set();
  for (const disk of await readCatalogue(await openRepository(repositoryPath)))
    for (const { backup_id, digest } of placedBackups(disk)) {
      facts.add(`backup ${backup_id} ${digest}`);
      const { verifications, drills, pinned } = await readEvidence(disk.folder, backup_id);
      for (const one of verifications) facts.add(`proof ${one.verification_id} of ${backup_id}`);
      for (const one of drills) facts.add(`proof ${one.drill_id} of ${backup_id}`);
      if (pinned !== undefined) facts.add(`pin of ${backup_id}: ${pinned.reason}`);
    }
  for (const name of readdirSync(join(stateDir, "runs")).filter((one) => one.endsWith(".json"))) {
    facts.add(`begun ${name.slice(0, -5)}`);
    facts.add(`ended ${name.slice(0, -5)}`);
  }
  return facts;
}

/** The facts that hold after all events. */
function fold(events: readonly EventEnvelope[]): { told: Facts; doubled: string[]; lostRuns: string[] } {
  const told: Facts = new Set();
  const doubled: string[] = [];
  const add = (fact: string): void => {
    if (told.has(fact)) doubled.push(fact);
    told.add(fact);
  };
  const forget = (id: string): void => {
    for (const fact of [...told]) if (fact.split(/:? /).includes(id)) told.delete(fact);
  };
  const unpin = (id: string): void => {
    for (const fact of [...told]) if (fact.startsWith(`pin of ${id}:`)) told.delete(fact);
  };
  const lostRuns: string[] = [];
  for (const { kind, body } of events) {
    if (kind === "run_started") add(`begun ${field(body, "run_id")}`);
    if (kind === "run_finished") {
      add(`ended ${field(body, "run_id")}`);
      if (field(body, "state") === "lost") lostRuns.push(field(body, "run_id"));
    }
    if (kind === "backup_recorded")
      add(`backup ${field(body["sidecar"], "backup_id")} ${field(body["sidecar"], "digest")}`);
    if (kind === "backup_removed") forget(field(body, "backup_id"));
    if (kind === "verification_recorded") add(proof(body["verification"], "verification_id"));
    if (kind === "drill_recorded") add(proof(body["drill"], "drill_id"));
    if (kind !== "backup_pinned") continue;
    unpin(field(body, "backup_id"));
    if (body["pinned"] === true) add(`pin of ${field(body, "backup_id")}: ${field(body, "reason")}`);
  }
  return { told, doubled, lostRuns };
}

function proof(body: unknown, name: string): string {
  return `proof ${field(body, name)} of ${field(body, "backup_id")}`;
}
