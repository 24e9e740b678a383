import fc from "fast-check";
import iconv from "iconv-lite";
import { expect, it } from "vitest";
import { anyEntries, logXml, testEntry } from "../test-logs.ts";
import { expected, parse } from "./test-parse.ts";

const cuts = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 200 });

it("gives the same for any pieces", () => {
  fc.assert(
    fc.property(anyEntries, cuts, fc.constantFrom("utf8", "utf16le"), (entries, pieces, encoding) => {
      const bytes = iconv.encode(logXml(entries), encoding, { addBOM: true });
      const found = parse(bytes, {}, pieces);
      expect(found.entries).toMatchObject(entries.map(expected));
      expect(found.end).toEqual(parse(bytes).end);
    }),
  );
});

it("gives the first entries of a log that is cut off anywhere, whole", () => {
  fc.assert(
    fc.property(anyEntries, fc.double({ min: 0, max: 1, noNaN: true }), (entries, part) => {
      const bytes = Buffer.from(logXml(entries));
      const found = parse(bytes.subarray(0, Math.floor(bytes.length * part))).entries;
      expect(found).toMatchObject(entries.slice(0, found.length).map(expected));
    }),
  );
});

it("goes on after the last whole entry as if it had never stopped", () => {
  fc.assert(
    fc.property(anyEntries, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (entries, part, wide) => {
      const bytes = iconv.encode(logXml(entries), wide ? "utf16le" : "utf8", { addBOM: true });
      const { entries: first, end } = parse(bytes.subarray(0, Math.floor(bytes.length * part)));
      if (end.restart === null) {
        expect(first).toEqual([]);
        return;
      }
      const { bytes: at, encoding } = end.restart;
      const rest = parse(bytes.subarray(at), { encoding, continues: true });
      expect([...first, ...rest.entries]).toMatchObject(entries.map(expected));
      expect(rest.codes).toEqual([]);
    }),
  );
});

it("loses to damage only the entries that it hits", () => {
  const hit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    garbage: fc.uint8Array({ maxLength: 20 }),
  });
  const isMark = ([a, b]: Uint8Array) => (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
  fc.assert(
    fc.property(fc.array(hit, { minLength: 1, maxLength: 3 }), cuts, (hits, pieces) => {
      const entries = Array.from({ length: 20 }, (_, n) => testEntry({ time: 1_700_000_000 + n }));
      const bytes = Buffer.from(logXml(entries));
      for (const { at, garbage } of hits)
        bytes.set(garbage.subarray(0, bytes.length - Math.floor(at * bytes.length)), Math.floor(at * bytes.length));
      // Those two at the very beginning say that all of it is in another encoding.
      fc.pre(!isMark(bytes));
      const found = parse(bytes, { encoding: "utf-8" }, pieces).entries;
      expect(found.length).toBeGreaterThanOrEqual(20 - 2 * hits.length);
    }),
    { numRuns: 300 },
  );
});

it("makes something of any bytes", () => {
  const words = fc.constantFrom(
    "<Log ",
    "<Log>",
    "</Log>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE",
    "[",
    "]>",
    "<Time>",
    "</Time>",
    "&x;",
    "<",
    '"',
    "<BRLog>",
    "\uFFFE",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 60 }), cuts, (parts, pieces) => {
      const bytes = Buffer.from(parts.join(""));
      const found = parse(bytes, { encoding: "utf-8" }, pieces);
      const whole = parse(bytes, { encoding: "utf-8" });
      expect([found.entries, found.end.findings]).toEqual([whole.entries, whole.end.findings]);
    }),
    { numRuns: 500 },
  );
});
