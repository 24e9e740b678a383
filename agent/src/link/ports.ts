/** What the link needs of the daemon, and what it gives to it. */
import type { Command, ControllerFrame, FrameOf, HostPolicy, RunProgress } from "@holdfast/protocol";
import type { ClientIdentity } from "../identity/client-identity.ts";
import type { Spool } from "../spool/port.ts";
import type { ResumeReason } from "../spool/row.ts";
import type { LinkTiming, Phase } from "./state.ts";

export type LinkIdentity = Pick<ClientIdentity, "key" | "cert" | "ca" | "agentUrl">;

/** Called in the order of the frames, each after the one before it has resolved; what is thrown is logged. */
export type LinkHooks = {
  /** A command that is new and durably noted. Resolve when it is begun, not when it is done: others wait behind it. */
  onCommand(command: Command): void | Promise<void>;
  onCancel(commandId: string): void | Promise<void>;
  /** A newer policy, durably kept. */
  onPolicy(policy: HostPolicy): void | Promise<void>;
  /** Leaf and issuing authority, PEM. Once it is stored the link connects anew. */
  onCertificate(chain: string): void | Promise<void>;
  onRenewRefused(refusal: FrameOf<ControllerFrame, "renew_refused">): void | Promise<void>;
  /** Append all facts to the spool again (`told_again`); called again at the next connection until it has resolved. */
  tellAgain(reason: ResumeReason): void | Promise<void>;
  /** Ids of the runs that go on, for the heartbeat. */
  running(): readonly string[];
};

export type LinkLog = (level: "info" | "warn" | "error", message: string, details?: Record<string, unknown>) => void;

export type LinkPorts = {
  spool: Spool;
  /** Read anew before each connection. */
  identity: () => LinkIdentity | Promise<LinkIdentity>;
  hooks: LinkHooks;
  now: () => Date;
  log: LinkLog;
  timing?: Partial<LinkTiming>;
};

export type LinkStatus = {
  phase: Phase["at"];
  /** Since when it is in this phase. */
  since: Date;
  /** Why the last connection ended; null before that. */
  lastProblem: string | null;
};

export type Link = {
  /** Resolves once the signal was given and the connection is closed. Never rejects. */
  ended: Promise<void>;
  status(): LinkStatus;
  /** Tells how far runs are, now; false when there is no connection that would take it. Nothing is kept. */
  progress(runs: readonly RunProgress[]): boolean;
  /** Asks for a certificate for a new key (PKCS #10, PEM); false when there is no connection. */
  renew(csr: string): boolean;
  /** Connects anew at once, also while it waits. */
  reconnect(why: string): void;
};
