/** What becomes known of an AOMEI run after it was told: its image, and the end of one that was taken for over. */
import { appendFile, mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { imageBytes } from "../../agent/src/aomei/images/test-images.ts";
import { logXml, testEntry } from "../../agent/src/aomei/test-logs.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceWorld, type ServiceWorld } from "../helpers/service-world.ts";

const PATIENCE_MS = 60_000;
const OTHER = "{97c17e9b-0c41-466b-bfad-e319dcee6b0f}";
const BEGIN = "Backup is initializing...\n";

/** The runs of a job once they are as they should be, the newest first. */
async function runsOf(world: ServiceWorld, name: string, fits: (runs: Json[]) => boolean): Promise<Json[]> {
  return await world.until("/api/v1/aomei/jobs?include_executions=true", ({ data }) => {
    const job = (data as Json[]).find(({ job_name }) => job_name === name);
    const runs = (job?.["executions"] ?? []) as Json[];
    return fits(runs) ? runs : undefined;
  });
}

test("a run that was told is completed by what becomes known later, and stays one", {
  timeout: PATIENCE_MS,
}, async () => {
  const world = await makeServiceWorld();
  try {
    const [log, images, texts] = ["brlog.xml", "images", "texts"].map((name) => join(world.hostFolder, name));
    if (log === undefined || images === undefined || texts === undefined) throw new Error("no folders");
    for (const folder of [images, texts]) await mkdir(folder);
    const text = join(texts, "a.log");
    const ended = Math.floor(Date.now() / 1000) - 600;
    const runs = [testEntry({ time: ended, task: "PC1" })];
    await writeFile(log, logXml(runs));
    await writeFile(text, BEGIN);
    await utimes(text, ended, ended);
    const text_logs = [{ folder: texts, task_name: "Data", quiet_seconds: 60 }];
    await world.configure({
      aomei: { result_logs: [{ path: log }], image_folders: [images], text_logs, poll_seconds: 1 },
    });
    await world.cli("enroll", "--controller", world.url, "--token", await world.token());
    world.start();
    expect(await runsOf(world, "PC1", ({ length }) => length === 1)).toMatchObject([{ result: "success", size: null }]);
    expect(await runsOf(world, "Data", ({ length }) => length === 1)).toMatchObject([{ result: "warning" }]);

    await writeFile(join(images, "PC1(1).adi"), imageBytes());
    await utimes(join(images, "PC1(1).adi"), ended, ended);
    runs.push(testEntry({ id: OTHER, time: ended + 300, task: "PC2" }));
    await writeFile(log, logXml(runs));
    await appendFile(text, "Information Code:4103\nFailed to write file.\n");
    await runsOf(world, "PC1", ([run]) => run?.["size"] === 20_000);
    await runsOf(world, "Data", ([run]) => run?.["result"] === "failed");
    for (const name of ["PC1", "PC2", "Data"]) expect(await runsOf(world, name, () => true)).toHaveLength(1);
  } finally {
    await world.remove();
  }
});
