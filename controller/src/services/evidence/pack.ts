/** An evidence pack: every proof of a period as canonical JSON, written as it is read, so that its size is no matter. */
import { createHash, createSign, type KeyObject } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { canonicalJson } from "@holdfast/protocol";
import { and, eq, inArray } from "drizzle-orm";
import type { Store } from "../../store/db.ts";
import { proofsKeptSince } from "../../store/purge-proofs.ts";
import { drillsOf, type Period, type Proof, verificationsOf } from "./proofs.ts";

export type PackFacts = {
  path: string;
  /** sha256 of its bytes, hex: the pack's name. */
  packId: string;
  /** ECDSA over sha256 of its bytes, DER. */
  signature: Buffer;
  sizeBytes: number;
};
export type Signer = { key: KeyObject; controller: Record<string, string> };
type Named = Map<string, Set<string>>;

const BACKUPS_AT_ONCE = 200;

/** Writes the pack into a file of this name, and signs it. The parts' files beside it are gone when it returns. */
export async function writePack(
  store: Store,
  { key, controller }: Signer,
  { period, path, now }: { period: Period; path: string; now: Date },
): Promise<PackFacts> {
  const backups: Named = new Map();
  const parts = { drills: `${path}.drills`, verifications: `${path}.verifications` };
  try {
    await writeList(parts.drills, proofTexts(drillsOf(store, period), backups));
    await writeList(parts.verifications, proofTexts(verificationsOf(store, period), backups));
    await using file = await open(path, "wx", 0o600);
    const out = signedWriter(file);
    // In the order of the keys, which is what makes it canonical.
    await out.write(`{"agent_id":${JSON.stringify(period.agentId)},"backups":`);
    for await (const text of list(backupTexts(store, backups))) await out.write(text);
    const since = await store.read(proofsKeptSince);
    await out.write(`,"complete_since":${JSON.stringify(since?.toISOString() ?? null)}`);
    await out.write(`,"controller":${canonicalJson(controller)},"drills":`);
    await out.copy(parts.drills);
    const { from, until } = { from: period.from.toISOString(), until: period.until.toISOString() };
    const middle = canonicalJson({ from, made_at: now.toISOString(), schema: "holdfast.evidence/1", until });
    await out.write(`,${middle.slice(1, -1)},"verifications":`);
    await out.copy(parts.verifications);
    await out.write("}");
    return { path, ...out.end(key) };
  } finally {
    for (const part of Object.values(parts)) await rm(part, { force: true });
  }
}

function signedWriter(file: FileHandle) {
  const hash = createHash("sha256");
  const sign = createSign("sha256");
  let sizeBytes = 0;
  async function write(piece: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(piece);
    hash.update(bytes);
    sign.update(bytes);
    sizeBytes += bytes.length;
    await file.writeFile(bytes);
  }
  return {
    write,
    async copy(path: string): Promise<void> {
      await using part = await open(path, "r");
      for await (const piece of part.createReadStream({ autoClose: false })) await write(piece as Buffer);
    },
    end: (key: KeyObject) => ({ sizeBytes, packId: hash.digest("hex"), signature: sign.sign(key) }),
  };
}

async function writeList(path: string, texts: AsyncIterable<string>): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  for await (const text of list(texts)) await file.writeFile(text);
}

/** A JSON array of texts that are each some of its elements. */
async function* list(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let before = "[";
  for await (const text of texts) {
    yield before + text;
    before = ",";
  }
  yield before === "[" ? "[]" : "]";
}

/** Notes in `backups` which ones the proofs are about. */
async function* proofTexts(batches: AsyncIterable<Proof[]>, backups: Named): AsyncGenerator<string> {
  for await (const batch of batches) {
    for (const { agentId, backupId } of batch)
      backups.set(agentId, (backups.get(agentId) ?? new Set<string>()).add(backupId));
    yield batch.map(({ agentId, body }) => canonicalJson({ ...body, agent_id: agentId })).join(",");
  }
}

/** By agent and id. What tells a backup apart from one that was changed later. */
async function* backupTexts(store: Store, backups: Named): AsyncGenerator<string> {
  for (const [agentId, named] of [...backups].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const ids = [...named].sort();
    for (let start = 0; start < ids.length; start += BACKUPS_AT_ONCE) {
      const some = ids.slice(start, start + BACKUPS_AT_ONCE);
      const rows = await store.read(async (db) => {
        const { backups: b } = db.tables;
        const which = and(eq(b.agentId, agentId), inArray(b.backupId, some));
        return await db.select({ id: b.backupId, sidecar: b.sidecar, map: b.hashMapSha256 }).from(b).where(which);
      });
      const known = new Map(rows.map((row) => [row.id, row]));
      yield some
        .map((id) => {
          const { sidecar = null, map = null } = known.get(id) ?? {};
          const digest = sidecar?.digest ?? null;
          return canonicalJson({ agent_id: agentId, backup_id: id, sidecar_digest: digest, hash_map_sha256: map });
        })
        .join(",");
    }
  }
}
