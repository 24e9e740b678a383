/** How the agent introduces itself. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type AgentFrame, type FrameOf, PROTOCOLS, uuid } from "@holdfast/protocol";
import type { SpoolView } from "../spool/port.ts";
import { agentVersion } from "../version.ts";

const UNKNOWN_BOOT = randomUUID();

/** Which start of the host this is; where the system does not tell, which start of this process. */
function bootId(): string {
  try {
    return uuid.parse(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  } catch {
    return UNKNOWN_BOOT;
  }
}

/** The first frame of a connection. */
export function helloFrame(spool: SpoolView, policyVersion: number, now: Date): FrameOf<AgentFrame, "hello"> {
  return {
    type: "hello",
    protocols: [...PROTOCOLS],
    agent_version: agentVersion(),
    hostname: hostname().slice(0, 255),
    platform: `${process.platform}-${process.arch}`,
    boot_id: bootId(),
    clock: now.toISOString(),
    spool: { acknowledged: spool.acknowledged, last_seq: spool.lastSeq },
    policy_version: policyVersion,
  };
}
