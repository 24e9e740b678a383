/** What the controller knows of the fleet, held against what the agents' spools have answered for. */
import { COMMAND_ENDS } from "../../protocol/src/index.ts";
import { effectsOf, type FleetAgent } from "./fleet-agent.ts";
import { backupIdOf, batchOf, runIdOf, verificationIdOf } from "./fleet-facts.ts";
import { type Known, type KnownEvent, readKnown } from "./fleet-known.ts";

export type FleetVerdict = {
  /** Shown as made or done, and is not. */
  falseCompleted: string[];
  lost: string[];
  doubled: string[];
  /** Everything else that must not be. */
  problems: string[];
};

export type Expected = {
  agents: readonly FleetAgent[];
  /** Commands by the key under which they were asked for. */
  commands: ReadonlyMap<string, { commandId: string; agentId: string }>;
};

export function blankFleetVerdict(): FleetVerdict {
  return { falseCompleted: [], lost: [], doubled: [], problems: [] };
}

export function fleetFaults(verdict: FleetVerdict): string[] {
  return Object.entries(verdict).flatMap(([kind, faults]) => faults.slice(0, 20).map((fault) => `${kind}: ${fault}`));
}

/** Once everything was drained and the controller was stopped. */
export async function judgeFleet(
  place: { dataDir: string; database: string | null },
  expected: Expected,
): Promise<FleetVerdict> {
  const known = await readKnown(place);
  const verdict = blankFleetVerdict();
  for (const one of expected.agents) judgeAgent(one, known, verdict);
  judgeCommands(expected, known, verdict);
  judgeEnrolments(expected, known, verdict);
  return verdict;
}

/** The facts of these numbers are in the tables, each exactly once, and nothing else is. */
export function judgeTables(
  one: FleetAgent,
  numbers: readonly number[],
  known: Known,
  verdict: Pick<FleetVerdict, "lost" | "falseCompleted">,
): void {
  const facts = numbers.flatMap((number) => {
    const source = { agent: one.agent, number };
    const kinds = batchOf(source).map(({ kind }) => kind);
    return [
      `run ${runIdOf(source)} ${number % 3 === 0 ? "failed" : "completed"}`,
      ...(kinds.includes("backup_recorded") ? [`backup ${backupIdOf(source)} completed`] : []),
      ...(kinds.includes("verification_recorded") ? [`verification ${verificationIdOf(source)} passed`] : []),
    ];
  });
  const wanted = new Set(facts);
  const found = new Set(known.rows.get(one.agentId) ?? []);
  for (const fact of wanted) if (!found.has(fact)) verdict.lost.push(`${fact} is in no table`);
  for (const fact of found) if (!wanted.has(fact)) verdict.falseCompleted.push(`${fact}: nobody said so`);
}

function judgeAgent(one: FleetAgent, known: Known, verdict: FleetVerdict): void {
  verdict.problems.push(...one.faults, ...one.errors);
  const events = known.events.get(one.agentId) ?? [];
  judgeOrder(one, events, verdict);
  const facts = Map.groupBy(
    events.filter(({ kind }) => kind !== "command_changed"),
    ({ kind, subject }) => `${kind} ${subject}`,
  );
  for (const [fact, same] of facts) if (same.length > 1) verdict.doubled.push(`${fact}: ${same.length} times`);
  for (const { kind, subject, problem } of events)
    if (problem !== null) verdict.problems.push(`${kind} ${subject}: ${problem}`);
  const numbers = [...one.answered];
  for (const { from, to } of one.open) numbers.push(...openNumbers(one, { from, to }, facts, verdict));
  judgeTables(one, numbers, known, verdict);
  const epochs = known.epochs.get(one.agentId) ?? 0;
  if (epochs > 1) verdict.problems.push(`agent ${one.agent} needed ${epochs} epochs`);
  if ((known.gaps.get(one.agentId) ?? []).length > 0) verdict.problems.push(`agent ${one.agent} has gaps`);
}

/**
 * After one side came back from an older copy: these facts are in the tables once, whatever way they came there, and
 * no event that was not told again came twice.
 */
export function judgeHealed(one: FleetAgent, numbers: readonly number[], known: Known): FleetVerdict {
  const verdict = blankFleetVerdict();
  verdict.problems.push(...one.faults);
  judgeTables(one, numbers, known, verdict);
  const told = (known.events.get(one.agentId) ?? []).filter(
    ({ again, kind }) => !again && (kind === "backup_recorded" || kind === "verification_recorded"),
  );
  for (const [fact, same] of Map.groupBy(told, ({ kind, subject }) => `${kind} ${subject}`))
    if (same.length > 1) verdict.doubled.push(`${fact}: ${same.length} times`);
  return verdict;
}

/** Everything that was answered for, in the order in which it was. */
export function judgeOrder(one: FleetAgent, events: readonly KnownEvent[], verdict: FleetVerdict): void {
  const places = new Map(events.map(({ eventId }, index) => [eventId, index]));
  let last = -1;
  for (const id of one.ids) {
    const place = places.get(id);
    if (place === undefined) verdict.lost.push(`event ${id} of agent ${one.agent}`);
    else if (place < last) verdict.problems.push(`event ${id} of agent ${one.agent} came out of order`);
    last = Math.max(last, place ?? last);
  }
}

/** An append that was cut off is there as a whole or not at all. */
function openNumbers(
  one: FleetAgent,
  { from, to }: { from: number; to: number },
  facts: ReadonlyMap<string, unknown>,
  verdict: FleetVerdict,
): number[] {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const keys = numbers.flatMap((number) =>
    batchOf({ agent: one.agent, number }).map((event) => {
      const subject = event.kind === "run_started" || event.kind === "run_finished" ? runIdOf : backupIdOf;
      return `${event.kind} ${subject({ agent: one.agent, number })}`;
    }),
  );
  const there = keys.filter((key) => facts.has(key)).length;
  if (there === 0) return [];
  if (there < keys.length) verdict.problems.push(`half of an append: ${there} of ${keys.length} of ${from} to ${to}`);
  return numbers;
}

function judgeCommands({ agents, commands }: Expected, known: Known, verdict: FleetVerdict): void {
  const effects = Map.groupBy(agents.flatMap(effectsOf), (id) => id);
  const asked = new Set([...commands.values()].map(({ commandId }) => commandId));
  const retired = new Set(agents.filter(({ isRetired }) => isRetired).map(({ agentId }) => agentId));
  for (const { commandId, agentId, state } of known.commands) {
    if (!asked.delete(commandId)) verdict.doubled.push(`command ${commandId}: nobody asked for it`);
    const ends = (known.commandEvents.get(commandId) ?? []).filter((told) => COMMAND_ENDS.includes(told));
    const done = effects.get(commandId)?.length ?? 0;
    if (!COMMAND_ENDS.includes(state) && !retired.has(agentId))
      verdict.lost.push(`command ${commandId} has no end: ${state}`);
    // A command that is sent again is told of again, always with the same end.
    if (new Set(ends).size > 1) verdict.doubled.push(`command ${commandId} ended as ${ends.join(", ")}`);
    if (done > 1) verdict.doubled.push(`command ${commandId} was carried out ${done} times`);
    if (state === "done" && done === 0) verdict.falseCompleted.push(`command ${commandId}: done without effect`);
  }
  for (const commandId of asked) verdict.lost.push(`command ${commandId} was taken, and is not known`);
}

function judgeEnrolments({ agents }: Expected, known: Known, verdict: FleetVerdict): void {
  const enrolled = new Map(agents.map((one) => [one.agentId, one.agent]));
  for (const agentId of known.agentIds)
    if (!enrolled.delete(agentId)) verdict.doubled.push(`agent ${agentId}: no host has this identity`);
  for (const [agentId, agent] of enrolled) verdict.lost.push(`agent ${agent} (${agentId}) is not known`);
  for (const [agentId, count] of known.certificates)
    if (count !== 1) verdict.doubled.push(`agent ${agentId} has ${count} certificates`);
  if (known.usedTokens !== agents.length)
    verdict.problems.push(`${known.usedTokens} tokens were used by ${agents.length} agents`);
}
