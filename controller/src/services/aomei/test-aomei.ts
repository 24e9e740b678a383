/** What agents tell of AOMEI Backupper, for tests; told as ingest does it, in one transaction. */
import { createHash } from "node:crypto";
import type { AomeiEntry } from "@holdfast/protocol";
import type { Store } from "../../store/db.ts";
import { loadAomeiWork, saveAomeiWork } from "./load-work.ts";
import { tellEntry } from "./tell.ts";

export const GUID = "{0a1b2c3d-0000-4000-8000-00000000000a}";

/** The end of a run at `endedAt`, RFC 3339; the same arguments make the same entry. */
export function entry(endedAt: string | null, more: Partial<AomeiEntry> = {}): AomeiEntry {
  const facts = {
    task_guid: GUID,
    task_name: "System",
    source: "C:\\ProgramData\\AomeiBR\\brlog.xml",
    ended_at: endedAt,
    operation: "Sauvegarde complète",
    result: "Succès",
    result_code: 0,
    status: "success" as const,
    detail: null,
    ...{ image: null, size_bytes: null, duration_seconds: null, told_again: false },
    read_at: endedAt ?? "2026-02-15T12:00:00.000Z",
    ...more,
  };
  return { entry_key: createHash("sha256").update(JSON.stringify(facts)).digest("hex"), ...facts };
}

/** Tells these in one transaction; answers their problems. */
export async function tellEntries(
  store: Store,
  agentId: string,
  entries: readonly AomeiEntry[],
  now: Date,
): Promise<(string | null)[]> {
  return await store.write(async (db) => {
    const work = await loadAomeiWork(db, [{ agentId, entries, images: [], tasks: [] }], now);
    const problems = entries.map((one) => tellEntry(one, { agentId, now, work }));
    await saveAomeiWork(db, work);
    return problems;
  });
}
