/** What the fleet's agent processes are told, and what they tell. */

export type AgentOrder = {
  stateDir: string;
  /** What it made, outside of its state: a host's repository, from which facts are told again. */
  repository: string;
  /** 0 to 255, its part in the names of facts. */
  agent: number;
  /** The first number of a batch that no earlier process has used. */
  firstNumber: number;
  /** A batch every so many ms; 0: only when asked. */
  everyMs: number;
  enrol: { url: string; token: string } | null;
  /** Instead of the address that the controller named. */
  agentUrl: string | null;
  /** Waits as long as agents do, where a busy machine must not be taken for a broken network. */
  isPatient?: boolean;
};

export type AgentAsk =
  | { ask: "append"; batches: number; perAppend: number }
  /** No more by itself. */
  | { ask: "rest" }
  | { ask: "state" };

export type AgentState = {
  phase: string;
  waiting: number;
  /** Batches taken so far. */
  number: number;
  rssBytes: number;
  lastProblem: string | null;
};

export type AgentWord =
  | { event: "ready"; agentId: string }
  /** About to be handed to the spool: first and last number. */
  | { event: "appending"; from: number; to: number }
  /** The spool has answered for them. */
  | { event: "appended"; from: number; to: number; ids: string[] }
  | { event: "state"; state: AgentState }
  | { event: "log"; level: string; message: string }
  | { event: "failed"; code: string; message: string }
  | { event: "killing"; step: string };
