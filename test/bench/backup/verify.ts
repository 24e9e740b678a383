import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import { runRounds } from "../rounds.ts";
import type { World } from "./world.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const READERS = 2;

/** Reading the full again, and comparing every byte of it with what was backed up. */
export async function verifyCase(world: World, runs: number, report: Report): Promise<void> {
  const { agent, restic } = world;
  const id = world.chain[0]?.backup_id ?? "";
  const image = await imageOf(world.repository("ours"), id);
  const contenders = [
    (await canReadMedium(image)) ? { name: "medium", run: () => readMedium(image) } : null,
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
  const inAgent = { ...row, case: "verify content: the job in a running agent", value: job };
  report.row({ ...inAgent, limit: 1 });
  const medium = { name: "reading it past the page cache (dd)", value: found("medium", "speed") };
  report.row({ ...inAgent, peer: medium, limit: null });
}

async function imageOf(repository: string, id: string): Promise<string> {
  const files = await readdir(repository, { recursive: true });
  const image = files.find((file) => file.endsWith(`${id}.qcow2`));
  if (image === undefined) throw new Error(`${repository} holds no image of ${id}`);
  return join(repository, image);
}

function readDirectly(file: string, ...part: string[]) {
  return runMeasured("dd", [`if=${file}`, "of=/dev/null", "bs=1M", "iflag=direct", ...part]);
}

/** Not every file system has direct I/O. */
async function canReadMedium(image: string): Promise<boolean> {
  return await readDirectly(image, "count=1").then(
    () => true,
    () => false,
  );
}

/** What this medium gives in this hour to as many readers as the verification has on two cores, who do nothing with it. */
async function readMedium(image: string): Promise<{ seconds: number; speed: number }> {
  const { size } = await stat(image);
  const count = Math.ceil(size / MIB / READERS);
  const readers = Array.from({ length: READERS }, (_, index) =>
    readDirectly(image, `count=${count}`, `skip=${index * count}`),
  );
  const seconds = Math.max(...(await Promise.all(readers)).map((reader) => reader.seconds));
  return { seconds, speed: size / GIB / seconds };
}
