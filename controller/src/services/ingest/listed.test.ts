/** What a host holds, against what a controller that came back from its own backup believes. */
import { type EventBody, WHOLE_RANGE } from "@holdfast/protocol";
import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { envelopes, ingestOn, newAgent, recorded, speaker } from "./test-events.ts";

const LATER = "2026-03-01T05:00:00.000Z";
const [B1, B2, B3] = ["030000", "030100", "030200"].map((at) => `backup-web-disk0-20260301-${at}`) as [
  string,
  string,
  string,
];

const backups = (backup_ids: string[], more: Partial<EventBody<"backups_listed">> = {}) => ({
  kind: "backups_listed" as const,
  body: { repository_id: "main", vm_context_id: "vm-1", range: WHOLE_RANGE, backup_ids, at: LATER, ...more },
});
const items = (vm_context_ids: string[], more: Partial<EventBody<"items_listed">> = {}) => ({
  kind: "items_listed" as const,
  body: { repository_id: "main", range: WHOLE_RANGE, vm_context_ids, at: LATER, ...more },
});
const of = (vm_context_id: string, id: string) => recorded(id, { vm_context_id });

describeOnBothStores("lists of what is there", (open) => {
  const removed = async (store: Store): Promise<string[]> => {
    const rows = await store.read((db) => db.select().from(db.tables.backups));
    return rows
      .filter(({ removedAt }) => removedAt !== null)
      .map(({ agentId, backupId }) => `${agentId}/${backupId}`)
      .sort();
  };
  const world = async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agentId = await newAgent(store);
    const agent = speaker(ingest, agentId);
    await agent.resume();
    let seq = 1;
    /** One batch. */
    const tell = async (...events: Parameters<typeof envelopes>[1][]): Promise<void> => {
      expect(await agent.send(envelopes(seq, ...events))).toMatchObject({ refusal: null });
      seq += events.length;
    };
    return { store, ingest, agentId, tell };
  };

  it("end what is missing from them, with the reason, and nothing else", async () => {
    const { store, agentId, tell } = await world();
    await tell(recorded(B1), recorded(B2), of("vm-2", B3));
    await tell(backups([B2]));
    expect(await removed(store)).toEqual([`${agentId}/${B1}`]);
    const rows = await store.read((db) => db.select().from(db.tables.backups));
    expect(rows.find(({ backupId }) => backupId === B1)).toMatchObject({
      status: "completed",
      removedAt: new Date(LATER),
      removedReason: "not in the repository any more (noticed when the host told its facts again)",
    });
    await tell({ ...recorded(B1), body: { ...recorded(B1).body, told_again: true } });
    expect(await removed(store)).toEqual([]);
  });

  it("say nothing of other hosts, other repositories, ids beyond their range, and what was completed since", async () => {
    const { store, ingest, tell } = await world();
    const other = speaker(ingest, await newAgent(store, "other"));
    await other.resume();
    await other.send(envelopes(1, recorded(B1)));
    await tell(
      recorded(B1),
      recorded(B2, { completed_at: LATER }),
      recorded(B3, { repository_id: "second" }, { repository_id: "second" }),
    );
    await tell(backups([], { range: { after: B1, through: B3 } }), backups([], { at: "2026-03-01T03:00:00.000Z" }));
    await tell(
      items([], { range: { after: "vm-1", through: null } }),
      items([], { range: { after: null, through: "v" } }),
    );
    expect(await removed(store)).toEqual([]);
  });

  it("of a repository's items end all backups of an item that is gone altogether", async () => {
    const { store, agentId, tell } = await world();
    await tell(recorded(B1), of("vm-2", B2), of("vm-3", B3));
    await tell(items(["vm-1", "vm-3"]), recorded(B1));
    expect(await removed(store)).toEqual([`${agentId}/${B2}`]);
  });

  it("are heard in the order in which they were told, also within one batch", async () => {
    const { store, agentId, tell } = await world();
    await tell(recorded(B1), backups([]), recorded(B1), recorded(B2), backups([B1]), items(["vm-1"]));
    expect(await removed(store)).toEqual([`${agentId}/${B2}`]);
  });
});
