import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Most tests wait for disks, processes and clocks more than they compute.
    maxWorkers: 4,
    projects: [
      { test: { name: "protocol", include: ["protocol/src/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "agent", include: ["agent/src/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "controller",
          include: ["controller/src/**/*.test.ts"],
          globalSetup: "controller/src/store/test-shared-postgres.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/{e2e,security,chaos}/**/*.test.ts"],
          globalSetup: "controller/src/store/test-shared-postgres.ts",
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
