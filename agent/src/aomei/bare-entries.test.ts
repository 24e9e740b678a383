import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { imageBytes } from "./images/test-images.ts";
import { logXml, testEntry } from "./test-logs.ts";
import { type TestWatch, testWatch } from "./test-watch.ts";

const NOW = Math.floor(Date.now() / 1000);

function put(watch: TestWatch, name: string, seconds: number): void {
  const path = join(watch.folder, "images", name);
  writeFileSync(path, imageBytes());
  utimesSync(path, new Date(seconds * 1000), new Date(seconds * 1000));
}

function begin(): TestWatch & { look: () => Promise<void> } {
  const watch = testWatch();
  mkdirSync(join(watch.folder, "images"));
  return {
    ...watch,
    [Symbol.dispose]: () => watch[Symbol.dispose](),
    look: async () => {
      // Images are looked at once a minute.
      watch.later(61_000);
      await watch.pass({ image_folders: [join(watch.folder, "images")] });
    },
  };
}

const sizes = (watch: TestWatch) => watch.entries().map(({ size_bytes, told_again }) => [size_bytes, told_again]);

it("an image that turns up after its run was told fills the run, once, under its key", async () => {
  using watch = begin();
  writeFileSync(watch.log, logXml([testEntry({ time: NOW - 600, task: "PC1" })]));
  await watch.look();
  expect(sizes(watch)).toEqual([[null, false]]);
  put(watch, "PC1(1).adi", NOW - 630);
  watch.restart();
  for (const _ of [1, 2, 3]) await watch.look();
  expect(sizes(watch)).toEqual([
    [null, false],
    [20_000, true],
  ]);
  expect(new Set(watch.entries().map(({ entry_key }) => entry_key)).size).toBe(1);
  expect(watch.facts.told("aomei/bare/")).toEqual([]);
});

it("only the run that it belongs to, and none that is a month old", async () => {
  using watch = begin();
  const old = NOW - 31 * 86_400;
  const times = [old, NOW - 90_000, NOW - 600];
  writeFileSync(watch.log, logXml(times.map((time) => testEntry({ time, task: "PC1" }))));
  await watch.look();
  put(watch, "PC1(1).adi", old);
  put(watch, "PC1(2).adi", NOW - 90_000);
  put(watch, "PC2(1).adi", NOW - 600);
  await watch.look();
  const filled = watch.entries().filter(({ size_bytes }) => size_bytes !== null);
  expect(filled.map(({ ended_at }) => Date.parse(ended_at ?? "") / 1000)).toEqual([NOW - 90_000]);
  expect(watch.facts.told("aomei/bare/")).toHaveLength(1);
  watch.later(40 * 86_400_000);
  await watch.look();
  expect(watch.facts.told("aomei/bare/")).toEqual([]);
});

it("nothing is noted without a folder of images, and 500 runs at most with one", async () => {
  using watch = begin();
  const entries = Array.from({ length: 700 }, (_, n) => testEntry({ time: NOW - 70_000 + n * 100, task: "PC1" }));
  writeFileSync(watch.log, logXml(entries.slice(0, 50)));
  await watch.pass();
  expect(watch.facts.told("aomei/bare/")).toEqual([]);
  writeFileSync(watch.log, logXml(entries));
  await watch.look();
  await watch.look();
  const noted = watch.facts.told("aomei/bare/").map(({ subject }) => subject);
  expect(noted).toHaveLength(500);
  expect(noted.at(-1)).toContain(new Date((NOW - 100) * 1000).toISOString());
});
