import type { Verification } from "@holdfast/protocol";
import { v7 as uuidv7 } from "uuid";
import { HoldfastError } from "../errors.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { checkedBackupId, sidecarName } from "../repository/layout.ts";
import { explainError, sentence } from "../restore/damage.ts";
import { findLine } from "../restore/line.ts";
import { chain } from "./chain.ts";
import { content } from "./content.ts";
import { createFindingList, type FindingList } from "./finding-list.ts";
import { map } from "./map.ts";
import type { Part, PartContext, PartName, VerifyOptions } from "./part.ts";
import { structure } from "./structure.ts";

const PARTS: readonly Part[] = [structure, chain, map, content];

type Ran = { parts: PartName[]; bytesChecked: number; cached: boolean; error: unknown };

/**
 * Establishes whether a backup is what was backed up. The result is `failed` for anything found wrong, `error` when it
 * could not be finished (cancelled, a missing tool or key, a time-out) and nothing wrong was found until then.
 * Throws NOT_FOUND for a backup that the disk does not have, BAD_REQUEST for an id that is none; nothing else.
 */
export async function verifyBackup(
  disk: CatalogueDisk,
  backupId: string,
  options: VerifyOptions,
): Promise<Verification> {
  const started = new Date();
  const findings = createFindingList();
  const signal = withTimeout(options.signal, options.timeoutMs);
  const ran = await runParts(disk, checkedBackupId(backupId), { ...options, signal }, findings);
  const asked = options.parts ?? PARTS.map((part) => part.name);
  const ended = new Date();
  return {
    verification_id: `verification-${uuidv7()}`,
    backup_id: backupId,
    parts: ran.parts,
    ...judge(ran, findings, asked, signal),
    cached: ran.cached,
    bytes_checked: ran.bytesChecked,
    findings: findings.kept(),
    findings_total: findings.total(),
    started_at: started.toISOString(),
    verified_at: ended.toISOString(),
    duration_seconds: (ended.getTime() - started.getTime()) / 1000,
  };
}

/** Both at once: whichever ends first. */
export function withTimeout(signal: AbortSignal | undefined, timeoutMs: number | undefined): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  return AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(timeoutMs)]);
}

/** Why a run was ended from outside; undefined when it was not. */
export function endedBy(signal: AbortSignal | undefined): string | undefined {
  if (!signal?.aborted) return undefined;
  return (signal.reason as Error | undefined)?.name === "TimeoutError" ? "time-out" : "cancelled";
}

async function runParts(
  disk: CatalogueDisk,
  backupId: string,
  options: VerifyOptions,
  findings: FindingList,
): Promise<Ran> {
  const ran: Ran = { parts: [], bytesChecked: 0, cached: true, error: undefined };
  const asked = PARTS.filter(({ name }) => options.parts?.includes(name) ?? true);
  const line = lineOrFinding(disk, backupId, findings);
  if (line === undefined) return ran;
  try {
    const context: PartContext = { disk, line, findings, options };
    for (const part of asked) {
      options.signal?.throwIfAborted();
      const outcome = await part.run(context);
      if (!outcome.ran) continue;
      ran.parts.push(part.name);
      ran.bytesChecked += outcome.bytesRead ?? 0;
      ran.cached = outcome.cached ?? ran.cached;
    }
  } catch (error) {
    ran.error = error;
  }
  return ran;
}

function lineOrFinding(disk: CatalogueDisk, backupId: string, findings: FindingList) {
  try {
    return findLine(disk, backupId);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "REPOSITORY_DAMAGED") throw error;
    findings.add({ code: "SIDECAR_DAMAGED", message: sentence(error.message), file: sidecarName(backupId) });
    return undefined;
  }
}

function judge(
  ran: Ran,
  findings: FindingList,
  asked: readonly PartName[],
  signal: AbortSignal | undefined,
): Pick<Verification, "status" | "reason"> {
  const ended = ran.error === undefined ? undefined : (endedBy(signal) ?? explainError(ran.error, "verifying"));
  const [first] = findings.kept();
  if (first !== undefined) {
    const more = findings.total() > 1 ? `, and ${findings.total() - 1} more` : "";
    const unfinished = ended === undefined ? "" : `; it was not finished: ${ended}`;
    return { status: "failed", reason: sentence(`${first.message}${more}${unfinished}`) };
  }
  if (ended !== undefined) return { status: "error", reason: ended };
  if (asked.length === 0) return { status: "skipped", reason: "no part was asked for" };
  return { status: "passed", reason: passedReason(ran) };
}

function passedReason({ parts, bytesChecked, cached }: Ran): string {
  const found = `${parts.join(", ")}: nothing wrong`;
  if (!parts.includes("content")) return `${found}; the content was not looked at`;
  const how = cached ? " (through the page cache: the medium itself was not read)" : "";
  return `${found}; ${bytesChecked} bytes of data match the hash map${how}`;
}
