/** What the parts of the service share. */
import type { HostRules, RunContext } from "../runner/context.ts";
import type { Teller } from "../runner/telling/teller.ts";
import type { Spool } from "../spool/port.ts";
import type { Log } from "./log.ts";
import type { Protected } from "./policy/protect.ts";

export type ServiceHost = {
  stateDir: string;
  /** What is protected, as of now: it changes with the configuration and the policy. */
  protected: () => Protected;
  spool: Spool;
  teller: Teller;
  ledger: string;
  now: () => Date;
  log: Log;
  /** Says it in the log and to the controller. */
  warn: (sentence: string) => void;
  onProgress: NonNullable<RunContext["onProgress"]>;
  /** The runs that go on, by id. */
  running: Set<string>;
  /** A certificate for a new key; resolves when it is in force. Throws what the controller refuses it with. */
  rotateCertificate: (signal: AbortSignal) => Promise<void>;
  /** Reads the configuration file, decides by it and the kept policy again, and tells the controller what came of it. */
  reloadPolicy: () => Promise<void>;
  /** What `agent.diagnose` says about the link. */
  linkState: () => string;
};

/** The host's own rules as they stand now. */
export function rulesOf(host: Pick<ServiceHost, "protected">): HostRules {
  return host.protected().config;
}
