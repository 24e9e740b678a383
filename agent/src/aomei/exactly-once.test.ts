import { utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { anyEntries, logXml } from "./test-logs.ts";
import { testWatch } from "./test-watch.ts";

const keysOf = (watch: ReturnType<typeof testWatch>): string[] => watch.entries().map(({ entry_key }) => entry_key);

it("tells each entry once and in order, however the log is cut, doubled and read again", async () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const state = fc.record({ part, twice: fc.boolean(), restart: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(anyEntries, fc.array(state, { maxLength: 6 }), async (entries, before) => {
      using whole = testWatch();
      writeFileSync(whole.log, logXml(entries));
      await whole.pass();
      expect(new Set(keysOf(whole)).size).toBe(new Set(entries.map((entry) => JSON.stringify(entry))).size);

      using watch = testWatch();
      const bytes = Buffer.from(logXml(entries));
      for (const [n, { part, twice, restart }] of [...before, { part: 1, twice: false, restart: true }].entries()) {
        const some = bytes.subarray(0, Math.round(bytes.length * part));
        writeFileSync(watch.log, twice ? Buffer.concat([some, some]) : some);
        utimesSync(watch.log, new Date(), new Date(1_600_000_000_000 + n * 1000));
        if (restart) watch.restart();
        await watch.pass();
      }
      expect(keysOf(watch)).toEqual(keysOf(whole));
    }),
    { numRuns: 60 },
  );
});
