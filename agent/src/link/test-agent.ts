/** An agent's spool and link against a test controller. */
import type { Command, HostPolicy } from "@holdfast/protocol";
import type { Spool } from "../spool/port.ts";
import { openSpool } from "../spool/spool.ts";
import { testFolder } from "../spool/test-events.ts";
import type { Link, LinkHooks, LinkIdentity } from "./ports.ts";
import { runLink } from "./run-link.ts";
import type { LinkTiming } from "./state.ts";

export type TestAgent = {
  folder: string;
  spool: Spool;
  link: Link;
  /** What the hooks were given, in order. */
  told: string[];
  commands: Command[];
  policies: HostPolicy[];
  log: string[];
  [Symbol.asyncDispose](): Promise<void>;
};

export type TestAgentOptions = {
  identity: () => LinkIdentity | Promise<LinkIdentity>;
  timing?: Partial<LinkTiming>;
  hooks?: Partial<LinkHooks>;
  /** Done with the spool before the link is started. */
  before?: (spool: Spool) => void;
};

export function startAgent({ identity, timing, hooks, before }: TestAgentOptions): TestAgent {
  const folder = testFolder();
  const spool = openSpool(folder.path);
  before?.(spool);
  const agent = { told: [] as string[], commands: [] as Command[], policies: [] as HostPolicy[], log: [] as string[] };
  const allHooks: LinkHooks = {
    onCommand: (command) => {
      agent.told.push("command");
      agent.commands.push(command);
    },
    onCancel: (id) => void agent.told.push(`cancel ${id}`),
    onPolicy: (policy) => {
      agent.told.push(`policy ${policy.version}`);
      agent.policies.push(policy);
    },
    onCertificate: (chain) => void agent.told.push(`certificate ${chain}`),
    onRenewRefused: ({ code }) => void agent.told.push(`renew refused ${code}`),
    tellAgain: (reason) => void agent.told.push(`tell again ${reason}`),
    running: () => [],
    ...hooks,
  };
  const ending = new AbortController();
  const link = runLink(
    {
      ...{ spool, identity, hooks: allHooks, now: () => new Date() },
      log: (level, message) => agent.log.push(`${level} ${message}`),
      timing: { firstDelayMs: 5, longestDelayMs: 50, ...timing },
    },
    ending.signal,
  );
  return {
    ...agent,
    ...{ folder: folder.path, spool, link },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await link.ended;
      spool.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Waits for something to become true, at most ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}
