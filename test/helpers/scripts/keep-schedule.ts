/** A schedule in a process of its own, on the folder given: prints each run that begins, and ends none unless told to. */
import { openNotebook } from "../../../agent/src/schedule/notebook.ts";
import { createScheduler } from "../../../agent/src/service/schedule/scheduler.ts";
import { planOf } from "../../../agent/src/service/schedule/test-scheduler.ts";

const [folder = "", clock = "", ends = ""] = process.argv.slice(2);
const now = (): Date => new Date(clock);
const notebook = openNotebook(folder, { now: now(), log: () => undefined });
const scheduler = createScheduler(
  {
    ...{ notebook, now, log: () => undefined, random: () => 0.5, skip: () => undefined, wake: () => undefined },
    run: async (job, { due, attempt }) => {
      process.stdout.write(`${job.id} ${due.toISOString()} ${attempt}\n`);
      if (ends === "ends") return "done";
      return await new Promise<never>(() => undefined);
    },
  },
  [],
);
scheduler.plan([planOf(["web"], "0 3 * * *", { drill: null })]);
scheduler.tick();
setTimeout(() => {
  process.stdout.write("idle\n");
  setInterval(() => undefined, 1000);
}, 20);
