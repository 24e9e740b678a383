import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { aomeiSettings } from "../config/aomei-settings.ts";
import { acquireLock } from "../repository/lock.ts";
import { openSpool } from "../spool/spool.ts";
import { spoolFacts } from "./spool-facts.ts";
import { logXml, testEntry, testSeries } from "./test-logs.ts";
import { type TestWatch, testWatch } from "./test-watch.ts";
import { passOnce, watchAomei } from "./watch.ts";

/** The service's tailer on a real spool. */
function serve(watch: TestWatch) {
  const stateDir = join(watch.folder, "state");
  mkdirSync(stateDir, { recursive: true });
  const spool = openSpool(stateDir);
  const ending = new AbortController();
  const said: string[] = [];
  const settings = aomeiSettings.parse({ result_logs: [{ path: watch.log }], poll_seconds: 1 });
  const log = (_level: string, message: string): void => {
    said.push(message);
  };
  const ended = watchAomei({ settings: () => settings, spool, stateDir, now: () => new Date(), log }, ending.signal);
  const stop = async (): Promise<void> => {
    if (ending.signal.aborted) return;
    ending.abort();
    await ended;
    spool.close();
  };
  const events = () => spool.pending(0, 10_000, 1e9).events;
  const entries = () => events().filter(({ kind }) => kind === "aomei_entry");
  return { spool, stop, events, entries, said, stateDir, settings, [Symbol.asyncDispose]: stop };
}

const until = async (condition: () => boolean): Promise<void> => {
  await expect.poll(condition, { timeout: 10_000, interval: 20 }).toBe(true);
};

it("new entries are in the spool within moments, once, also after a restart", async () => {
  using watch = testWatch();
  writeFileSync(watch.log, logXml(testSeries(2)));
  await using first = serve(watch);
  await until(() => first.entries().length === 2);
  writeFileSync(watch.log, logXml(testSeries(3)));
  await until(() => first.entries().length === 3);
  await first.stop();
  writeFileSync(watch.log, logXml(testSeries(4)));
  await using second = serve(watch);
  await until(() => second.entries().length === 4);
  const kinds = second.events().map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "aomei_task_seen")).toHaveLength(1);
  expect(second.said).toEqual([]);
});

it("an entry as large as the log can make it fits into an event", async () => {
  using watch = testWatch();
  const long = '\u0001\\"数'.repeat(100_000);
  writeFileSync(watch.log, logXml([testEntry({ detail: long, task: "数".repeat(3000) })]));
  await using served = serve(watch);
  const { entries } = served;
  await until(() => entries().length === 1);
  expect(Buffer.byteLength(String(entries()[0]?.body["detail"]))).toBeLessThan(65_536);
});

it("it waits while another process works with the same notebook", async () => {
  using watch = testWatch();
  await using served = serve(watch);
  const { stateDir, entries, said } = served;
  await until(() => said.length > 0);
  const lock = await acquireLock(join(stateDir, "aomei.lock"), "the test");
  writeFileSync(watch.log, logXml(testSeries(1)));
  await new Promise((wake) => setTimeout(wake, 1500));
  expect(entries()).toEqual([]);
  lock.release();
  await until(() => entries().length === 1);
});

it("a person's command and the service tell an entry once between them", async () => {
  using watch = testWatch();
  await using served = serve(watch);
  const { entries, spool, stateDir, settings } = served;
  const person = openSpool(stateDir);
  const about = { settings, facts: spoolFacts(person), now: () => new Date(), log: () => undefined, stateDir };
  for (let count = 1; count <= 4; count++) {
    writeFileSync(watch.log, logXml(testSeries(count)));
    await passOnce(about, new AbortController().signal);
    await until(() => entries().length >= count);
  }
  await new Promise((wake) => setTimeout(wake, 1200));
  person.close();
  expect(entries()).toHaveLength(4);
  expect(spool.facts.told("aomei/entries/")).toHaveLength(1);
});
