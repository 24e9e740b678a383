/** Sidecars linked into chains (pure). Order comes from parent links and chain numbers, never from a clock alone. */
import type { Finding, Sidecar } from "@holdfast/protocol";
import { sidecarName } from "./layout.ts";

/** The full first, each next one the child of the one before. `closed`: no increment will be added to it. */
export type Chain = { fullBackupId: string; backups: Sidecar[]; closed: boolean };

export type Linked = { chains: Chain[]; unplaced: Sidecar[]; findings: Finding[] };

/**
 * Chains oldest first; only the last may be open. Where two increments have the same parent there is one chain for
 * each, sharing its beginning, all of them closed. `unplaced` are those whose line of parents ends nowhere.
 */
export function linkChains(sidecars: readonly Sidecar[]): Linked {
  const byId = new Map(sidecars.map((backup) => [backup.backup_id, backup]));
  const children = childrenOf(sidecars);
  const lines = sidecars
    .filter((backup) => backup.parent_backup_id === null)
    .sort(compareFulls)
    .flatMap((full) => linesFrom(full, children));
  const forked = new Set(lines.map(fullOf).filter((id, index, all) => all.indexOf(id) !== index));
  const chains = lines.map((backups, index) => ({
    fullBackupId: fullOf(backups),
    backups,
    closed: index < lines.length - 1 || forked.has(fullOf(backups)),
  }));
  const placed = new Set(lines.flat().map((backup) => backup.backup_id));
  const unplaced = sidecars.filter((backup) => !placed.has(backup.backup_id));
  const findings = [
    ...[...children].flatMap(([parent, born]) => (placed.has(parent) && born.length > 1 ? [fork(parent, born)] : [])),
    ...unplaced.map((backup) => lostLine(backup, byId)),
    ...sidecars.flatMap((backup) => disagreement(backup, byId)),
  ];
  return { chains, unplaced, findings };
}

/** The children of each parent id, in id order. */
export function childrenOf(sidecars: readonly Sidecar[]): Map<string, Sidecar[]> {
  const children = new Map<string, Sidecar[]>();
  for (const backup of [...sidecars].sort((a, b) => compareText(a.backup_id, b.backup_id))) {
    if (backup.parent_backup_id === null) continue;
    const born = children.get(backup.parent_backup_id);
    if (born) born.push(backup);
    else children.set(backup.parent_backup_id, [backup]);
  }
  return children;
}

/** Every way from a full to a backup without children: one, where nothing forks. */
function linesFrom(full: Sidecar, children: ReadonlyMap<string, Sidecar[]>): Sidecar[][] {
  const lines: Sidecar[][] = [];
  const open: Sidecar[][] = [[full]];
  for (let line = open.pop(); line !== undefined; line = open.pop()) {
    const so = line;
    const born = children.get(so.at(-1)?.backup_id ?? "") ?? [];
    if (born.length === 0) lines.push(so);
    else open.push(...born.toReversed().map((child) => [...so, child]));
  }
  return lines;
}

function fullOf(backups: readonly Sidecar[]): string {
  return backups[0]?.backup_id ?? "";
}

function compareFulls(a: Sidecar, b: Sidecar): number {
  return (
    (a.chain_number ?? 0) - (b.chain_number ?? 0) ||
    compareText(a.created_at, b.created_at) ||
    compareText(a.backup_id, b.backup_id)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fork(parent: string, born: readonly Sidecar[]): Finding {
  const ids = born.map((backup) => backup.backup_id).join(", ");
  return {
    code: "CHAIN_FORKED",
    message: `${parent} is the parent of more than one backup: ${ids}`,
    file: sidecarName(parent),
  };
}

function lostLine(backup: Sidecar, byId: ReadonlyMap<string, Sidecar>): Finding {
  const file = sidecarName(backup.backup_id);
  const seen = new Set<string>();
  let at: Sidecar = backup;
  while (at.parent_backup_id !== null) {
    const parent = byId.get(at.parent_backup_id);
    if (parent === undefined)
      return {
        code: "PARENT_MISSING",
        message: `${backup.backup_id} needs ${at.parent_backup_id}, which is missing`,
        file,
      };
    if (seen.has(parent.backup_id)) break;
    seen.add(parent.backup_id);
    at = parent;
  }
  return { code: "CHAIN_LOOPS", message: `the parents of ${backup.backup_id} lead back to themselves`, file };
}

function disagreement(backup: Sidecar, byId: ReadonlyMap<string, Sidecar>): Finding[] {
  const parent = backup.parent_backup_id === null ? undefined : byId.get(backup.parent_backup_id);
  if (parent === undefined) return [];
  const about = [
    ...(backup.full_backup_id === parent.full_backup_id ? [] : ["the full of their chain"]),
    ...(backup.chain_position === parent.chain_position + 1 ? [] : ["its position in the chain"]),
    ...(backup.chain_number === parent.chain_number ? [] : ["the number of the chain"]),
    ...(backup.total_bytes === parent.total_bytes ? [] : ["the size of the disk"]),
  ];
  if (about.length === 0) return [];
  const message = `${backup.backup_id} and its parent disagree about ${about.join(" and ")}`;
  return [{ code: "CHAIN_INCONSISTENT", message, file: sidecarName(backup.backup_id) }];
}
