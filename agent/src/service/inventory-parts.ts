/** An inventory cut into parts that each fit an event, in the order of the ids (pure). */
import { byCodeUnits, type IdRange, type Inventory, MAX_EVENT_BYTES } from "@holdfast/protocol";

/** For what stands around the entries: the tools, the ranges, the envelope. */
const OTHER_BYTES = 16_384;

export type InventoryParts = {
  parts: Inventory[];
  /** Ids of what is larger than any event may be: no part is complete of them, so that nothing is said about them. */
  tooLarge: string[];
};

/** One part without `covers` for all that fits into one; else those with repositories go first. */
export function inventoryParts(whole: Inventory, maxBytes: number = MAX_EVENT_BYTES - OTHER_BYTES): InventoryParts {
  const { repositories, items, covers: _whole, ...rest } = whole;
  if (sizeOf({ repositories, items }) <= maxBytes) return { parts: [whole], tooLarge: [] };
  const told = split(repositories, (one) => one.repository_id, maxBytes);
  const protectedItems = split(items, (one) => one.vm_context_id, maxBytes);
  return {
    parts: [
      ...told.parts.map(({ range, entries }): Inventory => {
        return { ...rest, covers: { repositories: range, items: null }, repositories: entries, items: [] };
      }),
      ...protectedItems.parts.map(({ range, entries }): Inventory => {
        return { ...rest, covers: { repositories: null, items: range }, repositories: [], items: entries };
      }),
    ],
    tooLarge: [...told.tooLarge, ...protectedItems.tooLarge],
  };
}

type Split<Entry> = { parts: { range: IdRange; entries: Entry[] }[]; tooLarge: string[] };

function split<Entry>(entries: readonly Entry[], idOf: (entry: Entry) => string, maxBytes: number): Split<Entry> {
  const found: Split<Entry> = { parts: [], tooLarge: [] };
  let open = { after: null as string | null, entries: [] as Entry[], bytes: 0 };
  const close = (): void => {
    const last = open.entries.at(-1);
    if (last === undefined) return;
    const through = idOf(last);
    found.parts.push({ range: { after: open.after, through }, entries: open.entries });
    open = { after: through, entries: [], bytes: 0 };
  };
  for (const entry of entries.toSorted((one, other) => byCodeUnits(idOf(one), idOf(other)))) {
    const bytes = sizeOf(entry) + 1;
    if (open.bytes + bytes > maxBytes) close();
    if (bytes <= maxBytes) {
      open.entries.push(entry);
      open.bytes += bytes;
    } else {
      found.tooLarge.push(idOf(entry));
      open = { after: idOf(entry), entries: [], bytes: 0 };
    }
  }
  found.parts.push({ range: { after: open.after, through: null }, entries: open.entries });
  return found;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
