import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { entryXml, logXml, testEntry, testSeries } from "./test-logs.ts";
import { states, testWatch, times } from "./test-watch.ts";
import { createWatcher } from "./watcher.ts";

describe("tasks", () => {
  it("are told at first sight and under new names", async () => {
    using watch = testWatch();
    const named = (name: string, time: number) => testEntry({ task: name, time: 1_700_000_000 + time });
    writeFileSync(watch.log, logXml([named("a", 1), named("a", 2), named("b", 3), named("b", 4), named("a", 5)]));
    await watch.pass();
    const told = watch.bodies("aomei_task_seen").map(({ task_name, previous_name }) => [task_name, previous_name]);
    expect(told).toEqual([
      ["a", null],
      ["b", "a"],
      ["a", "b"],
    ]);
    expect(watch.events.map(({ kind }) => kind.slice(6, 10)).slice(0, 4)).toEqual(["task", "entr", "entr", "task"]);
  });
});

describe("a log that cannot be read is told", () => {
  it("missing at first, then there, then gone for good", async () => {
    using watch = testWatch();
    await watch.pass();
    await watch.pass();
    writeFileSync(watch.log, logXml([]));
    await watch.pass();
    rmSync(watch.log);
    await watch.pass();
    watch.later(9000);
    await watch.pass();
    expect(states(watch)).toEqual(["absent", "ready"]);
    watch.later(2000);
    await watch.pass();
    expect(states(watch)).toEqual(["absent", "ready", "absent"]);
    expect(watch.bodies("aomei_source_state")[0]?.reason).toContain("there is no ");
  });

  it("a folder that is not there, and a folder in the file's place", async () => {
    using watch = testWatch();
    await watch.pass({ result_logs: [{ path: join(watch.folder, "none/brlog.xml"), encoding: "auto" }] });
    mkdirSync(join(watch.folder, "brlog.xml"));
    await watch.pass();
    const told = watch.bodies("aomei_source_state");
    expect(told.map(({ state }) => state)).toEqual(["absent", "unreadable"]);
    expect(told[0]?.reason).toMatch(/is it mounted\?/);
  });

  it.skipIf(process.getuid?.() === 0)("one without permission", async () => {
    using watch = testWatch();
    writeFileSync(watch.log, logXml([]));
    chmodSync(watch.log, 0);
    await watch.pass();
    expect(watch.bodies("aomei_source_state")).toMatchObject([
      { state: "unreadable", reason: expect.stringMatching(/permission/) },
    ]);
  });

  it("not installed, where Windows has no sign of the program", async () => {
    using watch = testWatch();
    const windows = createWatcher({
      facts: watch.facts,
      now: () => new Date(),
      log: () => undefined,
      platform: "win32",
    });
    await windows.pass({ text_logs: [], image_folders: [], poll_seconds: 2 }, new AbortController().signal);
    expect(watch.bodies("aomei_source_state")).toMatchObject([
      { state: "not_installed", source: "C:\\ProgramData\\AomeiBR\\brlog.xml" },
    ]);
  });

  it("half written for longer than it takes to write it", async () => {
    using watch = testWatch();
    writeFileSync(watch.log, logXml(testSeries(2)).slice(0, -80));
    await watch.pass();
    expect(times(watch)).toEqual([0]);
    expect(states(watch)).toEqual([]);
    watch.later(11_000);
    await watch.pass();
    expect(states(watch)).toEqual(["ready TRUNCATED NOT_CLOSED"]);
    writeFileSync(watch.log, logXml(testSeries(2)));
    await watch.pass();
    expect(states(watch).at(-1)).toBe("ready");
    expect(times(watch)).toEqual([0, 1]);
  });

  it("findings stay with the log, and their places count from its beginning", async () => {
    using watch = testWatch();
    const bad = entryXml(testEntry({ time: -5 }));
    writeFileSync(watch.log, logXml(testSeries(1)).replace("</BRLog>", `${bad}</BRLog>`));
    await watch.pass();
    writeFileSync(
      watch.log,
      logXml(testSeries(1)).replace("</BRLog>", `${bad}${entryXml(testEntry({ time: 7 }))}</BRLog>`),
    );
    await watch.pass();
    const [first, second] = watch.bodies("aomei_source_state").map(({ findings }) => findings);
    expect(second?.map(({ code }) => code)).toEqual(["BAD_TIME", "BAD_TIME"]);
    expect(second?.[0]).toEqual(first?.[0]);
    expect(second?.[1]?.offset).toBe((first?.[0]?.offset ?? 0) + bad.length);
  });
});
