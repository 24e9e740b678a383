import type { Report } from "../bench.ts";
import { runRounds } from "../rounds.ts";
import type { World } from "./world.ts";

const GIB = 1024 ** 3;

/** Reading the full again, and comparing every byte of it with what was backed up. */
export async function verifyCase(world: World, runs: number, report: Report): Promise<void> {
  const { agent, restic } = world;
  const id = world.chain[0]?.backup_id ?? "";
  const contenders = [
    {
      name: "ours",
      run: async () => {
        const { seconds, verified } = await agent.verify(world.repository("ours"), id);
        if (verified.status !== "passed") throw new Error(`the verification ${verified.status}`);
        if (verified.cached) report.say("the verification read from the page cache: no direct I/O here");
        const job = world.dataBytes / GIB / verified.duration_seconds;
        return { seconds, speed: world.dataBytes / GIB / seconds, job };
      },
    },
    restic && {
      name: "restic",
      run: async () => {
        const { seconds } = await restic.check(world.repository("restic"));
        return { seconds, speed: world.dataBytes / GIB / seconds };
      },
    },
  ];
  const found = await runRounds(world.rounds("verify", runs), contenders);
  const value = found("ours", "speed") ?? Number.NaN;
  const row = { case: "verify content", value, unit: "GiB/s", sense: "at least" } as const;
  report.row({ ...row, limit: 1 });
  report.row({ ...row, peer: { name: "restic check --read-data", value: found("restic", "speed") }, limit: 2 });
  const job = found("ours", "job") ?? Number.NaN;
  report.row({ ...row, case: "verify content: the job in a running agent", value: job, limit: null });
}
