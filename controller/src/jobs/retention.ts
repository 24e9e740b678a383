import { followPlans } from "../services/retention/follow.ts";
import { FIRST_TICK, tickRetention } from "../services/retention/tick.ts";
import type { JobList } from "./job-list.ts";

const LOOK_MS = 60_000;
const FOLLOW_MS = 3000;

export const retentionJobs: JobList = (context) => {
  let state = FIRST_TICK;
  return [
    {
      name: "retention",
      everyMs: LOOK_MS,
      firstMs: FOLLOW_MS,
      run: async (signal, advanced = () => undefined) => {
        state = await tickRetention(context, state, { elapsed: performance.now(), signal, advanced });
      },
    },
    {
      name: "retention-follow",
      everyMs: FOLLOW_MS,
      run: async (signal) => {
        await followPlans(context, signal);
      },
    },
  ];
};
