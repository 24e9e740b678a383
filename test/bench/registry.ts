import { aomeiBench } from "./aomei/aomei.ts";
import { apiBench } from "./api/api.ts";
import { backupBench } from "./backup/backup.ts";
import type { Bench } from "./bench.ts";
import { controlPlaneBench } from "./control-plane/control-plane.ts";
import { hubBench } from "./hub/hub.ts";

/** Every bench of the project, by its name on the command line. */
export const benches: readonly Bench[] = [backupBench, hubBench, aomeiBench, apiBench, controlPlaneBench];
