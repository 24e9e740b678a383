import { readFile } from "node:fs/promises";
import { join } from "node:path";
import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import type { LogEntry } from "./entry.ts";
import { changed, good, log, parse } from "./test-parse.ts";

const FIXTURES = join(import.meta.dirname, "../../../../test/fixtures/aomei");

describe("the fixtures", () => {
  it.each(["brlog-id-attribute.xml", "brlog-id-element.xml"])("%s", async (name) => {
    const { entries, codes } = parse(await readFile(join(FIXTURES, name)));
    expect(codes).toEqual([]);
    expect(entries).toEqual([
      {
        id: "{97c17e9b-0c41-466b-bfad-e319dcee6b0f}",
        time: 1_713_484_800,
        task: "Sauvegarde_systeme_PC1",
        operation: "Sauvegarde complète",
        result: "Succès",
        result_code: 0,
        detail: "Operation completed.",
        status: "success",
      },
      expect.objectContaining({ result: "Echec", result_code: 4103, status: "failed" }),
    ]);
  });
});

const bom = (encoding: string, mark: number[]): Uint8Array =>
  Buffer.concat([Buffer.from(mark), iconv.encode(log, encoding)]);
const declared = (name: string, encoding: string): Uint8Array => iconv.encode(log.replace("UTF-8", name), encoding);

/** [what, the bytes, the configured encoding] */
const ENCODINGS: [string, Uint8Array, string][] = [
  ["UTF-8", Buffer.from(log), "auto"],
  ["UTF-8 with a mark", bom("utf8", [0xef, 0xbb, 0xbf]), "auto"],
  ["UTF-8 with a mark, against the configuration", bom("utf8", [0xef, 0xbb, 0xbf]), "windows-1252"],
  ["UTF-16LE with a mark", bom("utf16le", [0xff, 0xfe]), "auto"],
  ["UTF-16BE with a mark", bom("utf16-be", [0xfe, 0xff]), "auto"],
  ["UTF-16LE without a mark", iconv.encode(log, "utf16le"), "auto"],
  ["UTF-16BE without a mark", iconv.encode(log, "utf16-be"), "auto"],
  ["UTF-8 that calls itself UTF-16", declared("UTF-16", "utf8"), "auto"],
  ["a code page as declared", declared("windows-1252", "windows-1252"), "auto"],
  ["a code page as configured", declared("no-such-thing", "cp850"), "cp850"],
  ["GBK as declared", declared("GBK", "gbk"), "auto"],
];

it.each(ENCODINGS)("reads %s, in one piece and byte by byte", (_name, bytes, encoding) => {
  const ones = Array.from({ length: bytes.length }, () => 1);
  for (const pieces of [[], ones]) {
    const { entries, codes } = parse(bytes, { encoding }, pieces);
    expect(codes).toEqual([]);
    expect(entries).toMatchObject(good);
    expect(entries[0]).toMatchObject({ operation: "Sauvegarde complète", result: "Succès" });
  }
});

/** [what, one element's replacement in the first entry, its finding, what the entry says then] */
const FIELDS: [string, string | RegExp, string, string[], Partial<LogEntry>][] = [
  ["a negative time", /<Time>.*?</, "<Time>-5<", ["BAD_TIME"], { time: null, status: "success" }],
  ["the year 9999", /<Time>.*?</, "<Time>253402300799<", ["BAD_TIME"], { time: null }],
  ["a time in words", /<Time>.*?</, "<Time>yesterday<", ["BAD_TIME"], { time: null }],
  ["no time", /<Time>.*?<\/Time>/, "", ["MISSING_TIME"], { time: null }],
  ["no task", /<Task>.*?<\/Task>/, "", ["MISSING_TASK"], { task: null }],
  ["no id", / ID=".*?"/, "", ["MISSING_ID"], { id: null }],
  ["an id without braces", / ID=".*?"/, ' ID="x1"', ["BAD_ID"], { id: "x1" }],
  [
    "no result code",
    /<ResultCode>.*?<\/ResultCode>/,
    "",
    ["MISSING_RESULT_CODE"],
    { status: "unknown", result_code: null },
  ],
  ["a result code in words", /<ResultCode>.*?</, "<ResultCode>ok<", ["BAD_RESULT_CODE"], { status: "unknown" }],
  ["a hexadecimal result code", /<ResultCode>.*?</, "<ResultCode>0x1007<", [], { status: "failed", result_code: 4103 }],
  ["success in words and not in the code", /Succès<.*?<ResultCode>0/s, "Success<ResultCode>9", ["BAD_ENTRY"], {}],
  ["an entity", "Done.", "a &lt; b &#65; &bomb; c", ["ENTITY_REFUSED"], { detail: "a < b A &bomb; c" }],
  ["a control character", "Done.", "a\u0001b", ["BAD_CHARACTER"], { detail: "a\u0001b" }],
  ["several lines", "Done.", "a\r\n  b", [], { detail: "a\n  b" }],
  ["elements in the detail", "Done.", "<p>a</p>\r\n <p>b <i>c</i></p>", [], { detail: "a\n \nb \nc" }],
  ["CDATA in the detail", "Done.", "a <![CDATA[</Log> & <Log >]]>", [], { detail: "a </Log> & <Log >" }],
];

it.each(FIELDS)("%s", (_name, from, to, codes, entry) => {
  const found = parse(changed(from, to));
  expect(found.codes).toEqual(codes);
  expect(found.entries.at(-1)).toMatchObject(good[1] ?? {});
  if (!codes.includes("BAD_ENTRY")) expect(found.entries[0]).toMatchObject(entry);
});

it("says that a file is no log, and of which bytes it can make nothing", () => {
  expect(parse("<html></html>").codes).toEqual(["NOT_A_LOG"]);
  expect(parse("").codes).toEqual(["NOT_A_LOG"]);
  expect(parse(iconv.encode(log, "windows-1252")).codes).toEqual(["BAD_ENCODING"]);
  expect(parse("<BRLog></BRLog>").codes).toEqual([]);
  expect(parse("<BRLog><Log/></BRLog>").codes).toEqual([
    "MISSING_ID",
    "MISSING_TASK",
    "MISSING_RESULT_CODE",
    "MISSING_TIME",
  ]);
});
