import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextLogParser, type TextLogOptions, type TextRun } from "./parse-text.ts";
import { zonedSeconds } from "./zoned-time.ts";

const OPTIONS: TextLogOptions = {
  ...{ fileName: "a.log", encoding: "auto", timeZone: "Europe/Berlin", taskName: "System", phrases: [] },
};

function parse(
  text: string,
  {
    final = true,
    pieces = [] as number[],
    ...changes
  }: { final?: boolean; pieces?: number[] } & Partial<TextLogOptions> = {},
) {
  const runs: TextRun[] = [];
  const parser = createTextLogParser((run) => runs.push(run), { ...OPTIONS, ...changes });
  const bytes = Buffer.from(text);
  let at = 0;
  for (const length of [...pieces, bytes.length]) {
    parser.write(bytes.subarray(at, at + length));
    at += length;
  }
  const codes = parser.end(final).map(({ code }) => code);
  return { runs, codes, entries: runs.map(({ entry }) => entry) };
}

const BEGIN = "Backup is initializing...\r\nBacking up of the volume 2 (C:)...\r\n";
const FAILED = `${BEGIN}Information Code:4103\r\nFailed to write file.\r\n`;
const GOOD = `${BEGIN}Backup completed successfully.\r\n`;

/** [what, the log, the status of each run] */
const TABLE: [string, string, string[]][] = [
  ["the vendor's own words", FAILED, ["failed"]],
  ["a good run and a failed one", GOOD + FAILED, ["success", "failed"]],
  ["no success for words inside a sentence", `${BEGIN}Backup completed successfully, 0 errors?\r\n`, ["unknown"]],
  ["no success for its opposite", `${BEGIN}Backup completed unsuccessfully.\r\n`, ["unknown"]],
  ["an information code of 0", `${BEGIN}Information Code: 0\r\nDone.\r\n`, ["success"]],
  ["a code goes before words", `${BEGIN}Information Code:5\r\nBackup completed successfully.\r\n`, ["failed"]],
  ["a run without an end before another", BEGIN + GOOD, ["unknown", "success"]],
  ["a run without an end", BEGIN, ["unknown"]],
  ["an end without a beginning", "Information Code:4103\r\nFailed to write file.\r\n", ["failed"]],
  ["what comes after the end", `${GOOD}Information Code:4103\r\nnoise\r\n`, ["success"]],
];

it.each(TABLE)("%s", (_name, text, statuses) => {
  expect(parse(text).entries.map(({ status }) => status)).toEqual(statuses);
});

it("keeps what was said, and who is meant", () => {
  const [entry] = parse(FAILED).entries;
  expect(entry).toMatchObject({
    task: "System",
    result: "Failed to write file.",
    result_code: 4103,
    time: null,
    id: null,
  });
  expect(entry?.detail).toContain("Backing up of the volume 2 (C:)...");
});

it("understands what is configured", () => {
  const phrases = [{ text: "Sauvegarde terminée", means: "success" as const }];
  expect(parse("sauvegarde  TERMINÉE.\n", { phrases }).entries).toMatchObject([{ status: "success" }]);
  expect(parse("sauvegarde terminée\n").codes).toEqual(["NO_RUN"]);
});

it("waits for the end of a run that is still written", () => {
  expect(parse(BEGIN, { final: false }).runs).toEqual([]);
  expect(parse(`${BEGIN}Information Code:4103\r\n`, { final: false }).runs).toEqual([]);
  expect(parse(`${BEGIN}Information Code:4103\r\nFailed to`, { final: false }).runs).toEqual([]);
  expect(parse(FAILED, { final: false }).entries).toMatchObject([{ status: "failed" }]);
});

it("gives any beginning of a log the keys that the whole has, each once", () => {
  const parts = fc.array(fc.constantFrom(FAILED, GOOD, BEGIN, "noise\r\n", "2026-01-01 00:00:00 noise\n"), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(parts, fc.double({ min: 0, max: 1, noNaN: true }), fc.array(fc.nat(40)), (all, part, pieces) => {
      const text = all.join("");
      const keys = parse(text, { final: false, pieces }).runs.map(({ key }) => key);
      const before = parse(text.slice(0, Math.floor(text.length * part)), { final: false }).runs.map(({ key }) => key);
      expect(keys.slice(0, before.length)).toEqual(before);
      expect(new Set(keys).size).toBe(keys.length);
    }),
  );
});

it("holds little of a line or a run without end", () => {
  const { entries } = parse(`${BEGIN}${"x".repeat(5_000_000)}\n${"line\n".repeat(100_000)}Backup failed\n`);
  expect(entries).toMatchObject([{ status: "failed" }]);
  expect(entries[0]?.detail?.length).toBeLessThan(16_384);
});

describe("times", () => {
  it.each([
    ["2026-02-03 04:05:06 ", "2026-02-03T03:05:06.000Z"],
    ["[2026/02/03 04:05] ", "2026-02-03T03:05:00.000Z"],
    ["3.2.2026 04:05:06,123 - ", "2026-02-03T03:05:06.000Z"],
    ["2026-07-03T04:05:06Z ", "2026-07-03T04:05:06.000Z"],
    ["2026-07-03T04:05:06-02:30 ", "2026-07-03T06:35:06.000Z"],
    ["02/03/2026 04:05:06 ", null],
    ["2026-02-30 04:05:06 ", null],
  ])("%s", (prefix, expected) => {
    const [entry] = parse(`${BEGIN}${prefix}\n${prefix}Information Code:1\n${prefix}x\n`).entries;
    expect(entry?.time === null ? null : new Date((entry?.time ?? 0) * 1000).toISOString()).toBe(expected);
  });

  it.each([
    ["an hour that comes twice", [2026, 10, 25, 2, 30], "2026-10-25T00:30:00.000Z"],
    ["an hour that is left out", [2026, 3, 29, 2, 30], "2026-03-29T01:30:00.000Z"],
    ["midnight", [2026, 1, 1, 0, 0], "2025-12-31T23:00:00.000Z"],
  ])("%s", (_name, [year = 0, month = 0, day = 0, hour = 0, minute = 0], expected) => {
    const seconds = zonedSeconds({ year, month, day, hour, minute, second: 0, zone: null }, "Europe/Berlin");
    expect(new Date((seconds ?? 0) * 1000).toISOString()).toBe(expected);
  });
});
