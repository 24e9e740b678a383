/** What is protected, and where it goes: told to the controller, which pushes it to the agent. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SourceSpec } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { type AgentAnswer, agentAnswer, itemAnswer, repositoryAnswer } from "./answers.ts";
import { type Api, bodyOf } from "./api.ts";
import { REPOSITORY_ID } from "./place.ts";

export type DemoItem = { vmContextId: string; vmName: string; source: SourceSpec };
type Target = { api: Api; agentId: string; signal: AbortSignal };

const PATIENCE_MS = 120_000;
const LOOK_MS = 200;

/** The agent as the controller sees it, once it is connected. TIMEOUT; CONFLICT when this controller does not know it. */
export async function whenConnected(target: Target): Promise<AgentAnswer> {
  return await whenAgent(target, "the agent did not connect to the controller", ({ connected }) => connected);
}

async function whenAgent(
  { api, agentId, signal }: Target,
  problem: string,
  isSo: (agent: AgentAnswer) => boolean,
): Promise<AgentAnswer> {
  const path = `/api/v1/agents/${agentId}`;
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(LOOK_MS, undefined, { signal })) {
    const reply = await api.ask({ method: "GET", path }, agentAnswer);
    if (!reply.ok && reply.code === "NOT_FOUND")
      throw new HoldfastError("CONFLICT", {
        message: `this controller does not know the agent ${agentId}, which this host is`,
        remedy: "Remove the demonstration's folder to begin anew.",
      });
    const agent = bodyOf(reply, path);
    if (isSo(agent)) return agent;
    if (performance.now() > until) throw new HoldfastError("TIMEOUT", { message: problem, remedy: "See the logs." });
  }
}

/** Resolves with whether anything was new, once the agent has applied it. CONFLICT when the host's own rules refuse it. */
export async function define(target: Target, item: DemoItem, repositoryPath: string): Promise<{ isNew: boolean }> {
  const { agentId: agent_id } = target;
  const repository = { agent_id, repository_id: REPOSITORY_ID, path: repositoryPath };
  const madeRepository = await ensure(target, `repositories/${REPOSITORY_ID}`, repository);
  const { vmContextId, vmName, source } = item;
  const body = { agent_id, vm_context_id: vmContextId, vm_name: vmName, repository_id: REPOSITORY_ID };
  const disks = [{ disk_id: 0, source }];
  const madeItem = await ensure(target, `items/${vmContextId}`, { ...body, disks });
  const isApplied = ({ policy }: AgentAnswer): boolean =>
    policy.version > 0 && policy.applied_version >= policy.version;
  const { policy } = await whenAgent(target, "the agent did not apply its policy", isApplied);
  const ours = [`repository ${REPOSITORY_ID}`, `item ${vmContextId}`];
  const refused = policy.refused.find(({ subject }) => ours.includes(subject));
  if (refused !== undefined) {
    const known = refused.remedy === null ? {} : { remedy: refused.remedy };
    throw new HoldfastError("CONFLICT", {
      message: `the host refuses the ${refused.subject}: ${refused.message}`,
      ...known,
    });
  }
  return { isNew: madeRepository || madeItem };
}

/** `place`: collection and id. Made when it is not there; an answer that was lost shows as a conflict the next time. */
async function ensure({ api, agentId }: Target, place: string, body: object): Promise<boolean> {
  const [collection = ""] = place.split("/");
  const schema = collection === "items" ? itemAnswer.or(repositoryAnswer) : repositoryAnswer;
  const known = await api.ask({ method: "GET", path: `/api/v1/${place}?agent_id=${agentId}` }, schema);
  if (known.ok) return false;
  if (known.code !== "NOT_FOUND") bodyOf(known, place);
  const made = await api.ask({ method: "POST", path: `/api/v1/${collection}`, body }, schema);
  if (!made.ok && made.code !== "CONFLICT") bodyOf(made, place);
  return true;
}
