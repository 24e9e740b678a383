/**
 * AOMEI Backupper runs on Windows only, so the demonstration writes an entry into a log of its shape, as the program
 * itself would at the end of a backup. From there on all is real: the agent reads it, the controller knows the task.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { writeDurably } from "../../durable.ts";
import { HoldfastError } from "../../errors.ts";
import { type AomeiJobAnswer, aomeiJobsAnswer } from "./answers.ts";
import type { DemoContext } from "./context.ts";

const TASK = "Nightly system image";
const TASK_GUID = "{3f0c9a52-7d41-4f0e-9b6a-5c1d2e8f7a60}";
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<BRLog>\r\n';
const END = "</BRLog>\r\n";
const PATH = "/api/v1/aomei/jobs?include_executions=true";
const PATIENCE_MS = 120_000;
const LOOK_MS = 200;

/** Appends one entry to the log and waits until the controller knows it. TIMEOUT when it never does. */
export async function aomeiStory({ api, place, story, signal }: DemoContext): Promise<void> {
  await story.tell("aomei", async () => {
    const seconds = Math.floor(Date.now() / 1000);
    await appendEntry(place.aomeiLog, seconds);
    const date = new Date(seconds * 1000).toISOString();
    for (const until = performance.now() + PATIENCE_MS; ; await sleep(LOOK_MS, undefined, { signal })) {
      const { data } = await api.read(PATH, aomeiJobsAnswer);
      const told = data.find((job) => job.job_name === TASK && job.executions.some((run) => run.date === date));
      if (told !== undefined) return { value: undefined, what: sentence(told), size: "-", result: "told" };
      if (performance.now() > until)
        throw new HoldfastError("TIMEOUT", {
          message: `the controller does not know what ${place.aomeiLog} said last`,
          remedy: "See the logs.",
        });
    }
  });
}

function sentence({ job_name, expectation }: AomeiJobAnswer): string {
  return `AOMEI's task "${job_name}", read from its log; next due: ${expectation.says}`;
}

async function appendEntry(path: string, seconds: number): Promise<void> {
  const before = await readFile(path, "utf8").catch(() => `${HEAD}${END}`);
  await writeDurably(path, `${before.slice(0, before.lastIndexOf("</BRLog>"))}${entryXml(seconds)}${END}`);
}

function entryXml(seconds: number): string {
  const fields = {
    Time: seconds,
    Task: TASK,
    Operation: "Full Backup",
    Result: "Success",
    ResultCode: 0,
    Detail: "Operation completed.",
  };
  const lines = Object.entries(fields).map(([name, value]) => `        <${name}>${value}</${name}>`);
  return [`    <Log ID="${TASK_GUID}">`, ...lines, "    </Log>", ""].join("\r\n");
}
