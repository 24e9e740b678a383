import { appendFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { entryXml, logXml, testEntry, testSeries } from "./test-logs.ts";
import { states, testWatch, times } from "./test-watch.ts";

describe("each entry is told once", () => {
  it("as the log grows, and after a restart", async () => {
    using watch = testWatch();
    for (let count = 0; count <= 6; count++) {
      writeFileSync(watch.log, logXml(testSeries(count)));
      if (count % 2 === 0) watch.restart();
      await watch.pass();
      await watch.pass();
    }
    expect(times(watch)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(states(watch)).toEqual(["ready"]);
  });

  it("when the log is cleared, replaced by another and comes back", async () => {
    using watch = testWatch();
    for (const entries of [
      testSeries(3),
      [],
      testSeries(2, 100),
      testSeries(4),
      [...testSeries(4), ...testSeries(2, 100)],
    ]) {
      writeFileSync(watch.log, logXml(entries));
      await watch.pass();
    }
    rmSync(watch.log);
    await watch.pass();
    writeFileSync(watch.log, logXml(testSeries(5)));
    await watch.pass();
    expect(times(watch)).toEqual([0, 1, 2, 100, 101, 3, 4]);
  });

  it("when entries are doubled, and when the same log is read under two names", async () => {
    using watch = testWatch();
    const text = logXml([...testSeries(3), ...testSeries(3)]);
    writeFileSync(watch.log, text + text);
    const copy = join(watch.folder, "copy.xml");
    writeFileSync(copy, text);
    await watch.pass({
      result_logs: [
        { path: watch.log, encoding: "auto" },
        { path: copy, encoding: "auto" },
      ],
    });
    expect(times(watch)).toEqual([0, 1, 2]);
  });

  it("for many more than a batch holds, and what they weigh is little", async () => {
    using watch = testWatch();
    writeFileSync(watch.log, logXml(testSeries(2600)));
    expect(await watch.pass()).toMatchObject({ entries: 2600, images: 0 });
    writeFileSync(watch.log, logXml(testSeries(2601)).replace("<BRLog>", "<BRLog> "));
    watch.restart();
    await watch.pass();
    expect(times(watch)).toEqual(Array.from({ length: 2601 }, (_, n) => n));
    expect(watch.facts.told("aomei/entries/")).toHaveLength(6);
  });

  it("when telling fails half way, the rest is told at the next pass", async () => {
    let fails = 2;
    using watch = testWatch((facts) => ({
      ...facts,
      record: (change) => {
        if (change.events.length > 10 && fails-- > 0) throw new Error("the disk is full");
        facts.record(change);
      },
    }));
    writeFileSync(watch.log, logXml(testSeries(1200)));
    await expect(watch.pass()).rejects.toThrow("the disk is full");
    await expect(watch.pass()).rejects.toThrow("the disk is full");
    await watch.pass();
    expect(times(watch)).toEqual(Array.from({ length: 1200 }, (_, n) => n));
  });

  it("again, and said so, to a controller that has lost them", async () => {
    using watch = testWatch();
    writeFileSync(watch.log, logXml(testSeries(3)));
    await watch.pass();
    watch.facts.renew();
    appendFileSync(watch.log, entryXml(testEntry({ time: 1_700_000_009 })));
    await watch.pass();
    expect(watch.entries().map(({ told_again }) => told_again)).toEqual([false, false, false, true, true, true, false]);
    expect(watch.bodies("aomei_task_seen")).toHaveLength(2);
    await watch.pass();
    expect(watch.entries()).toHaveLength(7);
    expect(watch.facts.told("aomei/entries/").map(({ generation }) => generation)).toEqual([2]);
  });
});

it("a debt that arises while a log is read is for what was told before it only", async () => {
  let renew: (() => void) | null = null;
  using watch = testWatch((facts) => ({
    ...facts,
    record: (change) => {
      facts.record(change);
      renew?.();
      renew = null;
    },
  }));
  renew = watch.facts.renew;
  writeFileSync(watch.log, logXml(testSeries(3000)));
  await watch.pass();
  await watch.pass();
  await watch.pass();
  const again = watch.entries().filter(({ told_again }) => told_again).length;
  expect(again).toBeGreaterThan(0);
  expect(again).toBeLessThan(1000);
  expect(watch.entries()).toHaveLength(3000 + again);
  expect(watch.facts.told("aomei/entries/").every(({ generation }) => generation === 2)).toBe(true);
});

it("reads on where it was: an entry behind a long log that did not change", async () => {
  using watch = testWatch();
  writeFileSync(watch.log, logXml(testSeries(50)));
  await watch.pass();
  const [place] = watch.facts.told("aomei/place/");
  expect(JSON.parse(place?.state ?? "{}")).toMatchObject({
    bytes: statSync(watch.log).size - "</BRLog>\r\n".length - 2,
    encoding: "utf-8",
  });
});
