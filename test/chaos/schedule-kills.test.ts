/** Killed between the note that a run begins and the run itself, a schedule begins it once more, and only then once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startScript } from "../helpers/scripts.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-schedule-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What begins until nothing does any more, or until it is killed at the first. */
async function begun(clock: string, { ends }: { ends: boolean }): Promise<string[]> {
  await using script = startScript("keep-schedule", [folder, clock, ends ? "ends" : ""]);
  const lines: string[] = [];
  for (;;) {
    const line = await script.line();
    if (line === "idle") return lines;
    lines.push(line);
    if (!ends) return lines;
  }
}

it("each kill in between costs nothing, and no due is run twice", async () => {
  expect(await begun("2026-03-01T12:00:00Z", { ends: true })).toEqual([]);
  const due = "web/backup 2026-03-02T03:00:00.000Z 1";
  for (const clock of ["2026-03-02T03:00:00Z", "2026-03-02T03:00:01Z", "2026-03-02T04:00:00Z"])
    expect(await begun(clock, { ends: false })).toEqual([due]);
  expect(await begun("2026-03-02T05:00:00Z", { ends: true })).toEqual([due, "web/verify 2026-03-02T03:00:00.000Z 1"]);
  expect(await begun("2026-03-02T06:00:00Z", { ends: true })).toEqual([]);
  expect(await begun("2026-03-03T03:00:00Z", { ends: false })).toEqual(["web/backup 2026-03-03T03:00:00.000Z 1"]);
});
