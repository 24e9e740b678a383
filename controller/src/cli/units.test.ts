import { describe, expect, it } from "vitest";
import {
  bytesText,
  clockText,
  parseCount,
  parseSeconds,
  plainText,
  secondsText,
  shortText,
  timeText,
} from "./format.ts";
import { parseEnd, parseMoment } from "./moment.ts";
import { pairsOf } from "./pairs.ts";
import { sourceOf } from "./source.ts";
import { facts, table } from "./table.ts";

describe("what people read", () => {
  it.each([
    [bytesText(0), "0 B"],
    [bytesText(1536), "1.5 KiB"],
    [bytesText(200 * 1024 ** 3), "200 GiB"],
    [bytesText(null), "-"],
    [secondsText(0.4249), "0.42 s"],
    [secondsText(185), "3 min 5 s"],
    [secondsText(7800), "2 h 10 min"],
    [secondsText(undefined), "-"],
    [timeText("2026-05-01T10:00:00.123Z"), "2026-05-01 10:00:00Z"],
    [timeText(null), "-"],
    [plainText(""), "-"],
    [clockText(-33), "0.03 s behind"],
    [clockText(2500), "2.5 s ahead"],
    [clockText(-7_200_000), "2 h 0 min behind"],
    [clockText(3), "right"],
    [clockText(null), "-"],
    [shortText("made it"), "made it"],
    [shortText(`${"long ".repeat(15)}and longer`), `${"long ".repeat(15)}and…`],
    [shortText(undefined), "-"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });

  it("does not let a host's name steer the terminal", () => {
    expect(plainText("web\u001b[2J\u009b31m\r\n\u202e1")).toBe("web�[2J�31m���1");
  });

  it("is in columns without trailing blanks", () => {
    expect(table(["A", "B"], [["1", "x"]])).toBe("A  B\n1  x");
    expect(
      facts([
        ["name", "web"],
        ["id", ""],
      ]),
    ).toBe("name  web\nid");
  });
});

describe("what people type", () => {
  it.each<[string, number]>([
    ["90", 90],
    ["90s", 90],
    ["30m", 1800],
    ["12H", 43_200],
    ["7d", 604_800],
  ])("as a time: %s", (text, seconds) => {
    expect(parseSeconds(text, "--lifetime")).toBe(seconds);
  });

  it.each(["", "0", "-1", "1.5h", "1 week", "h", "9999999999"])("as a time that is none: %j", (text) => {
    expect(() => parseSeconds(text, "--lifetime")).toThrow("--lifetime takes a time");
  });

  it.each<[string, string]>([
    ["2026-05-01", "2026-05-01T00:00:00.000Z"],
    ["2026-05-01T10:00Z", "2026-05-01T10:00:00.000Z"],
    ["2026-05-01T10:00:00.5+02:00", "2026-05-01T08:00:00.500Z"],
    ["2028-02-29", "2028-02-29T00:00:00.000Z"],
    ["2026-12-31T23:59:59-01:00", "2027-01-01T00:59:59.000Z"],
  ])("as a point in time: %s", (text, expected) => {
    expect(parseMoment(text, "--from")).toBe(expected);
  });

  it.each([
    ...["", "now", "2026-02-30", "2026-02-29T10:00:00Z", "2026-13-01", "2026-05-01T10:00:00", "2026-5-1"],
    ...["2026-05-01T25:00:00Z", "2026-05-00", "1.5h", "+2h"],
  ])("as a point in time that is none: %j", (text) => {
    expect(() => parseMoment(text, "--until")).toThrow("--until takes a point in time");
    expect(() => parseEnd(text, "--until", new Date(0))).toThrow("--until takes a point in time");
  });

  it.each<[string, string]>([
    ["90m", "2026-02-15T13:30:00.000Z"],
    ["7D", "2026-02-22T12:00:00.000Z"],
    ["2026-05-01", "2026-05-01T00:00:00.000Z"],
  ])("as an end: %s", (text, expected) => {
    expect(parseEnd(text, "--until", new Date("2026-02-15T12:00:00Z"))).toBe(expected);
  });

  it.each(["x", "=x", ""])("as a pair that is none: %j", (text) => {
    expect(() => pairsOf(["a=b", text], "--label")).toThrow("--label takes name=value");
  });

  it("as pairs, whose values may hold anything", () => {
    expect(pairsOf(["a=b=c", "d="], "--label")).toEqual({ a: "b=c", d: "" });
  });

  it.each(["0", "11", "1.5", "x", "", "1e1"])("as a number out of 1 to 10: %j", (text) => {
    expect(() => parseCount(text, "--limit", [1, 10])).toThrow("--limit takes a number from 1 to 10");
  });

  it.each<[string, string | undefined, object]>([
    ["/vm/a.qcow2", undefined, { kind: "file", path: "/vm/a.qcow2", format: "qcow2" }],
    ["/vm/a.IMG", undefined, { kind: "file", path: "/vm/a.IMG", format: "raw" }],
    ["/vm/a.img", "qcow2", { kind: "file", path: "/vm/a.img", format: "qcow2" }],
    ["/dev/vg0/a", undefined, { kind: "block", path: "/dev/vg0/a" }],
    ["nbd+unix:///x?socket=/s", undefined, { kind: "nbd", uri: "nbd+unix:///x?socket=/s" }],
    ['{"kind":"qmp"}', undefined, { kind: "qmp" }],
  ])("as a source: %s", (text, format, expected) => {
    expect(sourceOf(text, format)).toEqual(expected);
  });

  it.each([["/vm/a"], ["/vm/a.txt"], ["{"]])("as a source that is none: %s", (text) => {
    expect(() => sourceOf(text, undefined)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  });
});
