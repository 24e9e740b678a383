import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NbdClient, StatusRun } from "./client.ts";
import { statusRuns } from "./extents.ts";

const CONTEXT = "base:allocation";
const GIB = 1024 ** 3;

/** An export with these runs one after the other; it notes how many runs each answer had. */
function exportOf(runs: readonly Omit<StatusRun, "offset">[]) {
  const size = runs.reduce((sum, { length }) => sum + length, 0);
  const answers: number[] = [];
  let first = 0;
  let before = 0;
  const blockStatus = async (_context: string, offset: number, length: number): Promise<StatusRun[]> => {
    const answer: StatusRun[] = [];
    // Asked ascending, it goes on where it was.
    while (before + (runs[first]?.length ?? 0) <= offset) before += runs[first++]?.length ?? 0;
    for (let at = first, from = before; from < offset + length; from += runs[at++]?.length ?? 0) {
      const run = runs[at];
      if (run === undefined) break;
      const start = Math.max(from, offset);
      answer.push({ offset: start, length: Math.min(from + run.length, offset + length) - start, flags: run.flags });
    }
    answers.push(answer.length);
    return answer;
  };
  return { client: { size, blockStatus } as unknown as NbdClient, answers };
}

async function collect(client: NbdClient): Promise<StatusRun[]> {
  const all: StatusRun[] = [];
  for await (const run of statusRuns(client, CONTEXT)) all.push(run);
  return all;
}

describe("the state of an export", () => {
  it("is the same however it is cut into answers: without gaps, equal neighbours joined", async () => {
    const run = fc.record({
      length: fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 9 * GIB })),
      flags: fc.constantFrom(0, 1, 3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 60 }), async (runs) => {
        const joined: StatusRun[] = [];
        for (const { length, flags } of runs) {
          const last = joined.at(-1);
          if (last?.flags === flags) last.length += length;
          else joined.push({ offset: last === undefined ? 0 : last.offset + last.length, length, flags });
        }
        expect(await collect(exportOf(runs).client)).toEqual(joined);
      }),
    );
  });

  it("comes in short lists, however many runs there are, and in few requests where there are none", async () => {
    const data = Array.from({ length: 100_000 }, (_, at) => ({ length: at % 2 === 0 ? 4096 : 61_440, flags: at % 2 }));
    const fragmented = exportOf([{ length: 64 * GIB, flags: 3 }, ...data, { length: 1024 * GIB, flags: 3 }]);
    expect(await collect(fragmented.client)).toHaveLength(100_002);
    // The one that meets them after a long hole, and the next, whose length is judged by both.
    expect(fragmented.answers.filter((runs) => runs > 8192).length).toBeLessThanOrEqual(2);
    expect(fragmented.answers.length).toBeLessThan(400);
  });
});
