import { appendFileSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type AomeiSettings, aomeiSettings } from "../config/aomei-settings.ts";
import { type TestWatch, testWatch } from "./test-watch.ts";

const BEGIN = "Backup is initializing...\nBacking up of the volume 2 (C:)...\n";
const END = "Information Code:4103\nFailed to write file.\n";
const QUIET_SECONDS = 600;

/** A text log that was last written to now, by the watch's clock. */
function textLog() {
  const watch = testWatch();
  const folder = join(watch.folder, "log");
  mkdirSync(folder);
  const file = join(folder, "a.log");
  const text_logs = [{ folder, task_name: "System", quiet_seconds: QUIET_SECONDS }];
  const settings: Partial<AomeiSettings> = aomeiSettings.parse({ result_logs: [], text_logs });
  let nowMs = Date.now();
  const later = (seconds: number): void => {
    nowMs += seconds * 1000;
    watch.later(seconds * 1000);
  };
  const touched = (write: () => void): void => {
    write();
    utimesSync(file, new Date(nowMs), new Date(nowMs));
    // Two writings of one moment and size are two looks all the same.
    later(1);
  };
  return {
    watch,
    later,
    pass: () => watch.pass(settings),
    add: (text: string) => touched(() => appendFileSync(file, text)),
    replace: (text: string) =>
      touched(() => {
        rmSync(file, { force: true });
        writeFileSync(file, text);
      }),
    size: () => statSync(file).size,
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

const said = (watch: TestWatch) => watch.entries().map(({ status, told_again }) => [status, told_again]);
const keys = (watch: TestWatch) => new Set(watch.entries().map(({ entry_key }) => entry_key));

it("a run whose end nobody wrote is told once its log was quiet, once, also after a restart", async () => {
  using log = textLog();
  const { watch } = log;
  log.add(BEGIN);
  await log.pass();
  log.later(QUIET_SECONDS - 10);
  await log.pass();
  expect(said(watch)).toEqual([]);
  log.later(20);
  await log.pass();
  expect(said(watch)).toEqual([["unknown", false]]);
  for (const restart of [false, true, false]) {
    if (restart) watch.restart();
    log.later(QUIET_SECONDS);
    await log.pass();
  }
  expect(said(watch)).toEqual([["unknown", false]]);
});

it("its end, written later after all, is told under the same key; the next run is another one", async () => {
  using log = textLog();
  const { watch } = log;
  log.add(BEGIN);
  log.later(QUIET_SECONDS);
  await log.pass();
  watch.restart();
  log.add(END);
  await log.pass();
  await log.pass();
  expect(said(watch)).toEqual([
    ["unknown", false],
    ["failed", true],
  ]);
  expect(keys(watch).size).toBe(1);
  log.add(BEGIN + END);
  watch.restart();
  await log.pass();
  log.add(BEGIN);
  log.later(QUIET_SECONDS);
  await log.pass();
  expect(said(watch).slice(2)).toEqual([
    ["failed", false],
    ["unknown", false],
  ]);
  expect(keys(watch).size).toBe(3);
});

it("an end that is not understood is told when the log is quiet, and an end without a last line too", async () => {
  using log = textLog();
  log.add(`${BEGIN}Fertig.\n${BEGIN}Information Code:0`);
  log.later(QUIET_SECONDS);
  await log.pass();
  expect(said(log.watch)).toEqual([
    ["unknown", false],
    ["success", false],
  ]);
});

it("a log that is written anew holds another run, though it begins with the same words", async () => {
  using log = textLog();
  log.add(`${BEGIN}Still at it\n`);
  log.later(QUIET_SECONDS);
  await log.pass();
  log.replace(BEGIN);
  await log.pass();
  log.add(`Still at it\n${END}`);
  await log.pass();
  expect(said(log.watch)).toEqual([
    ["unknown", false],
    ["failed", false],
  ]);
  expect(keys(log.watch).size).toBe(2);
});

it("a run that went quiet more than once leaves every one of its words to the run after it", async () => {
  using log = textLog();
  for (const text of [BEGIN, "noise\n", "noise\n", BEGIN, "noise\n", "noise\n"]) {
    log.add(text);
    log.later(QUIET_SECONDS);
    log.watch.restart();
    await log.pass();
  }
  expect(said(log.watch).map(([, told_again]) => told_again)).toEqual([false, true, true, false, true, true]);
  expect(keys(log.watch).size).toBe(2);
});

it("however it grows, pauses and is read again, every run has one key, and its last word is its end", async () => {
  const step = fc.oneof(
    fc.constantFrom(BEGIN, END, "Backup completed successfully\n", "noise\n", "Backing").map((text) => ({ text })),
    fc.constantFrom("quiet", "restart", "pass").map((what) => ({ what })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      using log = textLog();
      using whole = textLog();
      log.add("");
      for (const one of steps) {
        if ("text" in one) log.add(one.text);
        else if (one.what === "quiet") log.later(QUIET_SECONDS);
        else if (one.what === "restart") log.watch.restart();
        await log.pass();
      }
      const text = steps.map((one) => ("text" in one ? one.text : "")).join("");
      for (const each of [log, whole]) each.later(QUIET_SECONDS);
      whole.add(text);
      for (const each of [log, whole]) {
        each.later(QUIET_SECONDS);
        await each.pass();
      }
      const last = new Map(log.watch.entries().map(({ entry_key, status, detail }) => [entry_key, [status, detail]]));
      expect([...last.values()]).toEqual(whole.watch.entries().map(({ status, detail }) => [status, detail]));
    }),
    { numRuns: 150 },
  );
});
