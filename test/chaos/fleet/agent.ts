/** A host as a process of its own, to be killed: the agent's own identity, spool and link, with made-up work behind. */
import { appendFileSync, mkdirSync, readFileSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { asHoldfastError } from "../../../agent/src/errors.ts";
import { clientIdentity, isEnrolled } from "../../../agent/src/identity/client-identity.ts";
import { enrol } from "../../../agent/src/identity/enrol.ts";
import type { LinkHooks } from "../../../agent/src/link/ports.ts";
import { runLink } from "../../../agent/src/link/run-link.ts";
import type { Spool } from "../../../agent/src/spool/port.ts";
import { openSpool } from "../../../agent/src/spool/spool.ts";
import type { Command, CommandChanged } from "../../../protocol/src/index.ts";
import { batchOf, toldAgain } from "../../helpers/fleet-facts.ts";
import type { AgentAsk, AgentOrder, AgentWord } from "../../helpers/fleet-words.ts";

const RETRY_MS = 100;
const TIMING = { answerMs: 3000, stallMs: 5000, firstDelayMs: 20, longestDelayMs: 300, rareMs: 2000 };

function tell(word: AgentWord): void {
  // Synchronously: what was told was told, whatever happens next.
  writeSync(1, `${JSON.stringify(word)}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Until the controller is there; any other answer is a fault. */
async function beEnrolled({ stateDir, enrol: wish }: AgentOrder): Promise<void> {
  if (wish === null || (await isEnrolled(stateDir))) return;
  for (;;) {
    try {
      const host = { hostname: "fleet.example", platform: "linux x64", agentVersion: "0.1.0" };
      await enrol({ ...host, stateDir, controllerUrl: wish.url, token: wish.token, now: () => new Date() });
      return;
    } catch (error) {
      const known = asHoldfastError(error, "enrolling");
      const isLimit = known.details?.startsWith("TOO_MANY_REQUESTS") === true;
      if (known.code !== "CONTROLLER_UNREACHABLE" && !isLimit) throw error;
      await pause(isLimit ? 1000 : RETRY_MS);
    }
  }
}

function change(spool: Spool, command: Command, to: Pick<CommandChanged, "state" | "result" | "error">): void {
  spool.commands.change({ command_id: command.command_id, run_ids: [], at: new Date().toISOString(), ...to });
}

/** The one effect of a command is a line in a file, or none and no end when it is to wait; as the agent's service does it, it begins with `running`. */
async function carryOut(spool: Spool, order: AgentOrder, command: Command): Promise<void> {
  change(spool, command, { state: "running", result: null, error: null });
  if (command.reason === "wait") return;
  await using effects = await open(join(dirname(order.repository), "effects"), "a");
  await effects.writeFile(`${command.command_id}\n`);
  await effects.sync();
  change(spool, command, { state: "done", result: { summary: "said" }, error: null });
}

/** What had not begun begins, what was half done ends. */
async function settleCommands(spool: Spool, order: AgentOrder): Promise<void> {
  const error = { code: "INTERRUPTED", message: "killed meanwhile", remedy: null };
  for (const { command, state } of spool.commands.unfinished())
    if (state === "accepted") await carryOut(spool, order, command);
    else change(spool, command, { state: "failed", result: null, error });
}

type Host = { order: AgentOrder; spool: Spool; number: number };

/** Made first, then told: as a backup is. */
function append(host: Host, batches: number): void {
  const { order, spool } = host;
  const from = host.number;
  const to = from + batches - 1;
  host.number = to + 1;
  const numbers = Array.from({ length: batches }, (_, index) => from + index);
  appendFileSync(order.repository, numbers.map((number) => `${number}\n`).join(""), { flush: true });
  tell({ event: "appending", from, to });
  const ids = spool.append(numbers.flatMap((number) => batchOf({ agent: order.agent, number })));
  tell({ event: "appended", from, to, ids: ids.filter((id) => id !== null) });
}

function tellAgain({ order, spool }: Host): void {
  const made = readFileSync(order.repository, "utf8").split("\n").filter(Boolean).map(Number);
  const facts = made.flatMap((number) => toldAgain({ agent: order.agent, number }));
  for (let at = 0; at < facts.length; at += 500) spool.append(facts.slice(at, at + 500));
}

function hooksOf(host: Host): LinkHooks {
  return {
    onCommand: (command) => void carryOut(host.spool, host.order, command).catch(fail),
    onCancel: () => undefined,
    onPolicy: () => undefined,
    onCertificate: () => undefined,
    onRenewRefused: () => undefined,
    // A new spool owes the facts too, and here they are in it.
    tellAgain: (reason) => (reason === "new-spool" ? undefined : tellAgain(host)),
    running: () => [],
  };
}

function fail(error: unknown): void {
  const { code, message } = asHoldfastError(error, "the fleet's agent");
  tell({ event: "failed", code, message });
  process.exit(1);
}

async function main(order: AgentOrder): Promise<void> {
  mkdirSync(order.stateDir, { recursive: true, mode: 0o700 });
  await beEnrolled(order);
  const { agentId } = await clientIdentity(order.stateDir);
  const spool = openSpool(order.stateDir, { thorough: true });
  const host: Host = { order, spool, number: order.firstNumber };
  await settleCommands(spool, order);
  const identity = async () => {
    const own = await clientIdentity(order.stateDir);
    return { ...own, agentUrl: order.agentUrl ?? own.agentUrl };
  };
  const ending = new AbortController();
  const log = (level: string, message: string): void => tell({ event: "log", level, message });
  const timing = order.isPatient === true ? {} : TIMING;
  const ports = { spool, identity, hooks: hooksOf(host), now: () => new Date(), log, timing };
  const link = runLink(ports, ending.signal);
  tell({ event: "ready", agentId });
  const timer = order.everyMs === 0 ? undefined : setInterval(() => append(host, 1 + (host.number % 2)), order.everyMs);
  const answers: { [Ask in AgentAsk["ask"]]: (ask: Extract<AgentAsk, { ask: Ask }>) => void } = {
    append: ({ batches, perAppend }) => {
      for (let left = batches; left > 0; left -= perAppend) append(host, Math.min(left, perAppend));
    },
    rest: () => clearInterval(timer),
    state: () => {
      const { phase, lastProblem } = link.status();
      const { waiting } = spool.counts();
      const rssBytes = process.memoryUsage.rss();
      tell({ event: "state", state: { phase, waiting, number: host.number, rssBytes, lastProblem } });
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line) as AgentAsk;
    (answers[ask.ask] as (ask: AgentAsk) => void)(ask);
  }
  clearInterval(timer);
  ending.abort();
  await link.ended;
  spool.close();
}

await main(JSON.parse(process.argv[2] ?? "") as AgentOrder).catch(fail);
