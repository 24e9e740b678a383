/** Chains in a notation, for this layer's tests. */
import { createHash } from "node:crypto";
import {
  type Drill,
  type Sidecar,
  type SidecarBody,
  sealSidecar,
  timeInName,
  type Verification,
} from "@holdfast/protocol";
import type { CatalogueDisk } from "./catalogue.ts";
import { linkChains } from "./chains.ts";
import type { Evidence, EvidenceOf } from "./evidence.ts";
import { type DiskRef, diskFolder, imageName, mapName } from "./layout.ts";

export const DISK: DiskRef = { vmContextId: "ctx-1", diskId: 0 };
const DAY_MS = 86_400_000;

/** Day `n` of the tests' calendar, 03:00 UTC. */
export function day(n: number): Date {
  return new Date(Date.UTC(2025, 0, 1, 3) + n * DAY_MS);
}

/** The id of the backup that the notation calls `F<n>` or `i<n>`. */
export function idOf(n: number): string {
  return `backup-vm-disk0-${timeInName(day(n))}`;
}

/** A body that is right in every field; `parent` makes it an increment. */
export function bodyOf(
  n: number,
  parent: Sidecar | SidecarBody | undefined,
  changes: Partial<SidecarBody> = {},
): SidecarBody {
  const id = changes.backup_id ?? idOf(n);
  const at = day(n).toISOString();
  return {
    schema: "holdfast.backup/1",
    backup_id: id,
    vm_context_id: DISK.vmContextId,
    vm_name: "vm",
    disk_id: DISK.diskId,
    restore_point_id: id,
    restore_point_disks: [DISK.diskId],
    repository_id: "repo-1",
    backup_type: parent ? "incremental" : "full",
    status: "completed",
    file_name: imageName(id),
    full_backup_id: parent?.full_backup_id ?? id,
    parent_backup_id: parent?.backup_id ?? null,
    chain_position: parent ? parent.chain_position + 1 : 0,
    reason: "test",
    change_detection: { method: "all-data", reason: "test" },
    consistency: "offline",
    source: { kind: "file", description: "disk.raw", format: "raw" },
    total_bytes: 1 << 20,
    bytes_transferred: 64 << 10,
    file_size_bytes: imageBytes(id).length,
    file_digest: { scope: "whole", sha256: sha256(imageBytes(id)) },
    hash_map: {
      file_name: mapName(id),
      sha256: sha256(mapBytes(id)),
      size_bytes: mapBytes(id).length,
      block_size: 65536,
      data_blocks: 1,
      encrypted: false,
    },
    image: { format: "qcow2", cluster_size: 65536, compression: "none", encryption: null },
    created_at: at,
    started_at: at,
    completed_at: at,
    duration_seconds: 1,
    written_by: { holdfast: "0.1.0", qemu: "7.2" },
    ...changes,
  };
}

/**
 * A disk and its evidence in memory. "F1 i2v i3 | F4p i5d": F a full and i an increment of that day, v its content
 * verified, d drilled, p pinned, f found damaged, x a file missing, u evidence unreadable.
 */
export function inMemory(notation: string): { disk: CatalogueDisk; evidence: EvidenceOf } {
  const sidecars: Sidecar[] = [];
  const evidence = new Map<string, Evidence | "unreadable">();
  const unsound: string[] = [];
  let chain_number = 0;
  for (const { n, full, marks } of parse(notation)) {
    if (full) chain_number += 1;
    const parent = full ? undefined : sidecars.at(-1);
    sidecars.push(sealSidecar({ ...bodyOf(n, parent), chain_number }));
    evidence.set(idOf(n), marks.includes("u") ? "unreadable" : evidenceOf(n, marks));
    if (marks.includes("x") || unsound.includes(parent?.backup_id ?? "")) unsound.push(idOf(n));
  }
  return { disk: { disk: DISK, folder: diskFolder("/r", DISK), ...linkChains(sidecars), unsound }, evidence };
}

export function verificationOf(n: number, changes: Partial<Verification> = {}): Verification {
  return {
    verification_id: `v-${n}`,
    backup_id: idOf(n),
    parts: ["structure", "chain", "map", "content"],
    status: "passed",
    reason: "test",
    cached: false,
    bytes_checked: 1,
    findings: [],
    findings_total: 0,
    started_at: day(n).toISOString(),
    verified_at: day(n).toISOString(),
    duration_seconds: 1,
    ...changes,
  };
}

export function drillOf(n: number, changes: Partial<Drill> = {}): Drill {
  return {
    drill_id: `d-${n}`,
    backup_id: idOf(n),
    level: "bytes",
    status: "passed",
    reason: "test",
    restore_seconds: 1,
    restored_bytes: 1,
    findings: [],
    findings_total: 0,
    started_at: day(n).toISOString(),
    drilled_at: day(n).toISOString(),
    duration_seconds: 1,
    ...changes,
  };
}

function evidenceOf(n: number, marks: string): Evidence {
  return {
    schema: "holdfast.evidence/1",
    backup_id: idOf(n),
    verifications: [
      ...(marks.includes("f") ? [verificationOf(n, { status: "failed", verification_id: "v-f" })] : []),
      ...(marks.includes("v") ? [verificationOf(n)] : []),
    ],
    drills: marks.includes("d") ? [drillOf(n)] : [],
    ...(marks.includes("p") && { pinned: { reason: "kept for the audit", at: day(n).toISOString() } }),
  };
}

export function parse(notation: string): { n: number; full: boolean; marks: string }[] {
  return [...notation.matchAll(/([Fi])(\d+)([a-z]*)/g)].map(([, type, n, marks]) => ({
    n: Number(n),
    full: type === "F",
    marks: marks ?? "",
  }));
}

export const imageBytes = (id: string): Buffer => Buffer.from(`image of ${id}`);
export const mapBytes = (id: string): Buffer => Buffer.from(`map of ${id}`);

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
