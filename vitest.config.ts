import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Node compiles each program once, and not for each of the two thousand processes of a run anew. Killed ones never write it.
process.env["NODE_COMPILE_CACHE"] ??= resolve(import.meta.dirname, "node_modules/.cache/holdfast-tests");

/** These wait for minutes of the clock: begun last, they would be waited for alone. */
const LONGEST =
  /\/(?:start-policy|start|aomei-kills|fleet-rollback|fleet-crowd|unsafe-parent|encrypted|service-ends)\.test\.ts$/;

/** What a test polls for is often a program's start: on a busy machine that takes longer than the second that is usual. */
const expect = { poll: { timeout: 30_000 } };

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(LONGEST.test(b.moduleId)) - Number(LONGEST.test(a.moduleId)));
  }
}

export default defineConfig({
  test: {
    // Most tests wait for disks, processes and clocks more than they compute.
    maxWorkers: 4,
    // As `holdfast` itself reads drizzle: half a second less for each file with a database.
    execArgv: ["--import", resolve(import.meta.dirname, "controller/bin/drizzle.mjs")],
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: "protocol", include: ["protocol/src/**/*.test.ts"], testTimeout: 60_000, isolate: false } },
      {
        test: { name: "agent", include: ["agent/src/**/*.test.ts"], expect, testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: "controller",
          include: ["controller/src/**/*.test.ts"],
          globalSetup: "controller/src/store/test-shared-postgres.ts",
          // Its files share what they import, which costs half of what the pure ones of them take: none mocks a module.
          isolate: false,
          expect,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/{e2e,security,chaos}/**/*.test.ts"],
          globalSetup: "controller/src/store/test-shared-postgres.ts",
          expect,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
