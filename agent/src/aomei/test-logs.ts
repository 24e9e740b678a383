/** Result logs in the vendor's shape, as tests need them. */
import fc from "fast-check";

export type TestEntry = { id: string; time: number; task: string; code: number; detail: string };

const GUIDS = [1, 2, 3].map((n) => `{97c17e9b-0c41-466b-bfad-e319dcee6b0${n}}`);

export function testEntry(changes: Partial<TestEntry> = {}): TestEntry {
  return { id: GUIDS[0] ?? "", time: 1_713_484_800, task: "System PC1", code: 0, detail: "Done.", ...changes };
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function entryXml({ id, time, task, code, detail }: TestEntry): string {
  const lines = [
    `    <Log ID="${id}">`,
    `        <Time>${time}</Time>`,
    `        <Task>${escaped(task)}</Task>`,
    "        <Operation>Sauvegarde complète</Operation>",
    `        <Result>${code === 0 ? "Succès" : "Echec"}</Result>`,
    `        <ResultCode>${code}</ResultCode>`,
    `        <Detail>${escaped(detail)}</Detail>`,
    "    </Log>",
  ];
  return `${lines.join("\r\n")}\r\n`;
}

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<BRLog>\r\n';

export function logXml(entries: readonly TestEntry[]): string {
  return `${HEAD}${entries.map(entryXml).join("")}</BRLog>\r\n`;
}

/** Entries of several tasks, some of them equal; texts with everything that XML makes difficult. */
export const anyEntries: fc.Arbitrary<TestEntry[]> = fc.array(
  fc
    .record({
      id: fc.constantFrom(...GUIDS),
      time: fc.integer({ min: 1_700_000_000, max: 1_700_000_020 }),
      task: fc.constantFrom("System", "Dätenbank <1>", "C & D", "数据"),
      code: fc.constantFrom(0, 0, 4103, -1),
      detail: fc.oneof(
        fc.constantFrom("", "Done.", "line\nline", "]]>", "</Log>", "<Log ID='x'>"),
        fc.string({ unit: "grapheme" }),
      ),
    })
    .map((entry) => ({ ...entry, detail: entry.detail.replace(/[^\P{C}\n]|[\p{Cn}\p{Cs}\uFFFD]/gu, "") })),
  { maxLength: 12 },
);

/** Entries of one task, a second apart. */
export const testSeries = (count: number, from = 0): TestEntry[] =>
  Array.from({ length: count }, (_, n) => testEntry({ time: 1_700_000_000 + from + n }));
