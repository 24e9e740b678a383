import type { ControlContext } from "../services/control/context.ts";
import type { Job } from "./run-jobs.ts";

/** One part's jobs. */
export type JobList = (context: ControlContext) => readonly Job[];
