import { backupBench } from "./backup/backup.ts";
import type { Bench } from "./bench.ts";

/** Every bench of the project, by its name on the command line. */
export const benches: readonly Bench[] = [backupBench];
