import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logXml, testEntry } from "../test-logs.ts";
import { type TestWatch, testWatch } from "../test-watch.ts";
import { judgeGone } from "./gone.ts";
import { bearsName, taskOf } from "./match.ts";
import { type ImageWish, imageBytes } from "./test-images.ts";

const T0 = 1_700_000_000;

function put(watch: TestWatch, name: string, seconds: number, wish: ImageWish = {}): string {
  const path = join(watch.folder, "images", name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, imageBytes(wish));
  utimesSync(path, seconds, seconds);
  return path;
}

const pass = async (watch: TestWatch): Promise<void> => {
  watch.later(61_000);
  await watch.pass({ image_folders: [join(watch.folder, "images")] });
};
const told = (watch: TestWatch): string[] =>
  watch.bodies("aomei_image").map(({ path, state, checksum }) => `${path.split("/").at(-1)} ${state} ${checksum}`);

describe("an image file", () => {
  it.each<[string, ImageWish, string]>([
    ["whole", {}, "complete passed"],
    ["with its sum elsewhere", { sumAt: 64 }, "complete passed"],
    ["cut off", { damage: "tail" }, "truncated unproven"],
    ["that is none", { damage: "head" }, "unrecognised unproven"],
    ["smaller than a structure", { size: 2000, damage: "tail" }, "truncated unproven"],
    ["with a bit flipped, alone", { damage: "sum" }, "complete unproven"],
  ])("%s", async (_name, wish, state) => {
    using watch = testWatch();
    put(watch, "a.adi", T0, wish);
    await pass(watch);
    await pass(watch);
    expect(told(watch)).toEqual([`a.adi ${state}`]);
  });

  it("with a bit flipped is damaged beside others that show where its sum stands", async () => {
    using watch = testWatch();
    for (const name of ["a", "b"]) put(watch, `${name}.adi`, T0);
    put(watch, "c.adi", T0, { damage: "sum" });
    put(watch, "other-version.adi", T0, { damage: "sum", version: 3 });
    await pass(watch);
    expect(told(watch)).toEqual([
      "a.adi complete passed",
      "b.adi complete passed",
      "c.adi damaged failed",
      "other-version.adi complete unproven",
    ]);
  });

  it("is told of again when it changes, not while it is written, and to a controller that has lost it", async () => {
    using watch = testWatch();
    put(watch, "a.adi", Date.now() / 1000 + 61);
    await pass(watch);
    expect(told(watch)).toEqual([]);
    await pass(watch);
    put(watch, "a.adi", T0 + 1, { damage: "tail" });
    await pass(watch);
    watch.facts.renew();
    await pass(watch);
    expect(told(watch)).toEqual(["a.adi complete passed", "a.adi truncated unproven", "a.adi truncated unproven"]);
  });
});

describe("an image that is gone", () => {
  const withRun = async (watch: TestWatch): Promise<void> => {
    writeFileSync(watch.log, logXml([testEntry({ time: T0, task: "PC1" })]));
    put(watch, "PC1/PC1(1).adi", T0);
    put(watch, "PC1/PC1(2).adi", T0 + 10);
    await pass(watch);
  };

  it("was removed by the scheme when its task made a newer one since", async () => {
    using watch = testWatch();
    await withRun(watch);
    rmSync(join(watch.folder, "images/PC1/PC1(1).adi"));
    put(watch, "PC1/PC1(3).adi", Date.now() / 1000 + 61);
    await pass(watch);
    await pass(watch);
    expect(told(watch).at(-1)).toBe("PC1(1).adi removed_by_scheme passed");
  });

  it("is missing when its task has not run, and is told of once it is back", async () => {
    using watch = testWatch();
    await withRun(watch);
    rmSync(join(watch.folder, "images/PC1/PC1(2).adi"));
    await pass(watch);
    await pass(watch);
    put(watch, "PC1/PC1(2).adi", T0 + 10);
    await pass(watch);
    expect(told(watch).slice(2)).toEqual(["PC1(2).adi missing passed", "PC1(2).adi complete passed"]);
  });

  it("with all others says that the folder may not be mounted, and nothing of a loss", async () => {
    using watch = testWatch();
    await withRun(watch);
    rmSync(join(watch.folder, "images/PC1"), { recursive: true });
    for (let n = 0; n < 3; n++) await pass(watch);
    expect(told(watch)).toHaveLength(2);
    const states = watch.bodies("aomei_source_state").filter(({ source_kind }) => source_kind === "images");
    expect(states.map(({ state, reason }) => [state, reason?.includes("not mounted") ?? null])).toEqual([
      ["ready", null],
      ["absent", true],
    ]);
  });

  it("is judged by its own task's images only", () => {
    const gone = { taskGuid: "a", modifiedMs: 100, checkedMs: 1e9 };
    expect(judgeGone(gone, [{ taskGuid: "b", modifiedMs: 2e9 }]).state).toBe("missing");
    expect(judgeGone(gone, [{ taskGuid: "a", modifiedMs: 50 }]).state).toBe("missing");
    expect(judgeGone(gone, [{ taskGuid: "a", modifiedMs: 200 }]).state).toBe("missing");
    expect(judgeGone(gone, [{ taskGuid: "a", modifiedMs: 2e9 }]).state).toBe("removed_by_scheme");
    expect(judgeGone({ ...gone, taskGuid: null }, [{ taskGuid: null, modifiedMs: 2e9 }]).state).toBe("missing");
  });
});

describe("the run behind an image", () => {
  it.each([
    ["its own", "PC1(2).adi", -20, 20_000],
    ["of another task", "PC2(2).adi", -20, null],
    ["of another time", "PC1(2).adi", -2000, null],
  ])("%s", async (_name, name, before, size) => {
    using watch = testWatch();
    put(watch, name, T0 + before);
    writeFileSync(watch.log, logXml([testEntry({ time: T0, task: "PC1" })]));
    await pass(watch);
    // The file was born just now, long after it was last written to: as a copy is.
    expect(watch.entries()).toMatchObject([{ size_bytes: size, duration_seconds: null }]);
  });
});

describe("names", () => {
  it.each([
    ["PC1.adi", "PC1", true],
    ["pc1(3).ADI", "PC1", true],
    ["PC1_full_2.adi", "PC1", true],
    ["PC1/whatever.adi", "PC1", true],
    ["PC10.adi", "PC1", false],
    ["my PC1.adi", "PC1", false],
    ["a.adi", "", false],
  ])("%s bears %s: %s", (path, task, expected) => {
    expect(bearsName(path, task)).toBe(expected);
  });

  it("two tasks of one name leave it open, the longer name wins", () => {
    const tasks = [
      { guid: "1", name: "PC" },
      { guid: "2", name: "PC 1" },
      { guid: "3", name: "X" },
      { guid: "4", name: "X" },
    ];
    expect(taskOf("PC 1(2).adi", tasks)?.guid).toBe("2");
    expect(taskOf("X.adi", tasks)).toBeNull();
  });

  it("any name bears itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
        fc.pre(!/[/\\]/.test(name) && name.trim() !== "" && !/\.(adi|afi)$/i.test(name));
        expect(bearsName(`${name}(1).adi`, name)).toBe(true);
      }),
    );
  });
});
