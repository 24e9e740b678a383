import { describe, expect, it } from "vitest";
import { entryXml, logXml, testEntry } from "../test-logs.ts";
import { changed, good, inner, log, one, parse, two } from "./test-parse.ts";

const KIB = 1024;

/** [what, the log, the codes of its findings]: both entries are there all the same. */
const DISTURBED: [string, string, string[]][] = [
  [
    "a DTD with a bomb of entities",
    changed("<BRLog>", '<!DOCTYPE B [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><BRLog>'),
    ["DTD_REFUSED"],
  ],
  ["a DTD that names a file", changed("<BRLog>", '<!DOCTYPE B SYSTEM "file:///etc/passwd"><BRLog>'), ["DTD_REFUSED"]],
  ["a DTD that never ends", changed("<BRLog>", "<!DOCTYPE B [ <BRLog>"), ["NEVER_ENDS"]],
  ["garbage between entries", inner("\u0000<<&>] x='"), []],
  ["an entry in a comment", inner(`<!-- ${entryXml(testEntry({ code: 7 }))} -->`), []],
  ["an entry in CDATA outside of entries", inner(`<![CDATA[${entryXml(testEntry({ code: 7 }))}]]>`), []],
  ["a comment that never ends", inner("<!-- "), ["NEVER_ENDS"]],
  ["an entry that never ends", inner("<Log ID='{x}'><Time>1</Time>"), ["UNFINISHED_ENTRY"]],
  ["an entry that never began", inner("<Time>1</Time></Log>"), ["STRAY_TEXT"]],
  ["an entry whose tags cross", inner("<Log><Time>1</Task></Time></Log>"), ["BAD_ENTRY"]],
  ["an entry with an open attribute", inner('<Log ID="><Time>1</Time></Log>'), ["BAD_CHARACTER", "BAD_ENTRY"]],
  ["an entry with an open CDATA section", inner("<Log><Detail><![CDATA[</Detail></Log>"), ["NEVER_ENDS", "BAD_ENTRY"]],
  ["unknown elements and attributes", changed(/<Time>/g, "<New a='1'><Time>9</Time></New><Time>"), ["UNKNOWN_ELEMENT"]],
  ["two times in one entry", changed(/<\/Time>/g, "</Time><Time>5</Time>"), ["TWICE"]],
  ["two logs, one behind the other", `${logXml([one])}${logXml([two])}`, []],
  ["another element that begins alike", inner("<Logs><LogX/></Logs>"), []],
  ["a log that is cut off", log.slice(0, log.indexOf("</BRLog")), ["NOT_CLOSED"]],
  ["an entry that is cut off", log.replace("</BRLog>", "<Log ID='{x}'><Time>17"), ["TRUNCATED", "NOT_CLOSED"]],
];

it.each(DISTURBED)("%s", (_name, text, codes) => {
  const ones = Array.from({ length: Buffer.byteLength(text) }, () => 1);
  for (const pieces of [[], ones]) {
    const found = parse(text, {}, pieces);
    expect(found.entries).toMatchObject(good);
    expect(found.codes).toEqual(codes);
  }
});

describe("size", () => {
  it.each([
    ["the detail", "Done.", "x".repeat(3 * KIB * KIB), "detail"],
    ["the detail as CDATA", "Done.", `<![CDATA[${"x".repeat(3 * KIB * KIB)}]]>`, "detail"],
    ["the task", "System PC1", "x".repeat(KIB * KIB), "task"],
  ] as const)("%s may be huge: its first part is kept, and every entry", (_name, from, to, field) => {
    const text = changed(from, to);
    const whole = parse(text);
    const inPieces = parse(
      text,
      {},
      Array.from({ length: 3000 }, () => KIB + 7),
    );
    for (const { entries, codes } of [whole, inPieces]) {
      expect(codes).toEqual([]);
      expect(entries).toHaveLength(2);
      const kept = entries[0]?.[field] ?? "";
      expect(kept).toMatch(/^x{1000,}…$/);
      expect(Buffer.byteLength(kept)).toBeLessThan(64 * KIB);
    }
    expect(inPieces.entries).toEqual(whole.entries);
  });

  it.each([
    ["an entry of very many elements", `<Log>${"<a>b</a>".repeat(200_000)}</Log>`, "ENTRY_TOO_LARGE"],
    ["a comment", `<!--${"x".repeat(2 * KIB * KIB)}-->`, "NEVER_ENDS"],
    ["very many openers", "<!--<![CDATA[<!DOCTYPE ".repeat(100_000), "NEVER_ENDS"],
    ["very many entries without end", "<Log ".repeat(400_000), "UNFINISHED_ENTRY"],
  ])("%s is given up, and the entries around it count", (_name, between, code) => {
    for (const pieces of [[], Array.from({ length: 40 }, () => 64 * KIB)]) {
      const { entries, codes, end } = parse(inner(between), {}, pieces);
      expect(entries).toMatchObject(good);
      expect(codes).toContain(code);
      expect(end.findings.length).toBeLessThanOrEqual(101);
    }
  });
});
