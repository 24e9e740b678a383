import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authority, openAuthority } from "./authority.ts";
import { removePartials, writeAuthority } from "./authority-files.ts";
import { type Scratch, scratch } from "./test-authority.ts";

const now = new Date();
let place: Scratch;
let folder: string;
let authority: Authority;

beforeAll(async () => {
  place = await scratch();
  folder = join(place.folder, "data", "pki");
  authority = await openAuthority(folder, now);
});
afterAll(() => place[Symbol.asyncDispose]());

describe("the folder", () => {
  it("is private, and opened again as it is", async () => {
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    const again = await openAuthority(folder, now);
    expect(again.rootFingerprint).toBe(authority.rootFingerprint);
    expect(again.issuingPem).toBe(authority.issuingPem);
  });

  it("rights that someone widened are taken back", async () => {
    const copy = await copyOf("wide");
    await chmod(join(copy, "issuing.key"), 0o644);
    await openAuthority(copy, now);
    expect((await stat(join(copy, "issuing.key"))).mode & 0o777).toBe(0o600);
  });

  it("two first starts at once end with one authority", async () => {
    const path = join(place.folder, "twice");
    const [one, two] = await Promise.all([openAuthority(path, now), openAuthority(path, now)]);
    expect(one.rootFingerprint).toBe(two.rootFingerprint);
    expect((await readdir(place.folder)).filter((name) => name.startsWith("twice"))).toEqual(["twice"]);
  });

  it("a start that was first may tidy away what another is still writing: that one takes what was made", async () => {
    const files = { "root.pem": "a", "root.key": "b", "issuing.pem": "c", "issuing.key": "d" };
    for (let round = 0; round < 30; round++) {
      const path = join(place.folder, `race-${round}`);
      const start = async (delay: number) => {
        await setTimeout(delay);
        const isMade = await writeAuthority(path, files);
        await removePartials(path);
        return isMade;
      };
      const made = await Promise.all([0, 0, 1, 1, 2, 3].map(start));
      expect(made.filter(Boolean)).toHaveLength(1);
      expect((await readdir(path)).toSorted()).toEqual(Object.keys(files).toSorted());
    }
    expect((await readdir(place.folder)).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("what a kill left of an earlier try is removed, an empty folder is filled", async () => {
    const path = join(place.folder, "late", "pki");
    await mkdir(`${path}.0badcafe.partial`, { recursive: true });
    await writeFile(join(`${path}.0badcafe.partial`, "root.key"), "half");
    await mkdir(path);
    await openAuthority(path, now);
    expect(await readdir(join(place.folder, "late"))).toEqual(["pki"]);
  });

  it("works without the root's key, which may be kept elsewhere", async () => {
    const copy = await copyOf("no-root-key");
    await rm(join(copy, "root.key"));
    expect((await openAuthority(copy, now)).rootFingerprint).toBe(authority.rootFingerprint);
  });

  const other = (name: string) => async (copy: string) => {
    await openAuthority(join(place.folder, "stranger"), now);
    await cp(join(place.folder, "stranger", name), join(copy, name));
  };
  const cases: [string, (copy: string) => Promise<void>, RegExp][] = [
    ["root.pem is missing", (copy) => rm(join(copy, "root.pem")), /root\.pem is missing/],
    ["issuing.pem is missing", (copy) => rm(join(copy, "issuing.pem")), /issuing\.pem is missing/],
    ["issuing.key is missing", (copy) => rm(join(copy, "issuing.key")), /issuing\.key is missing/],
    ["issuing.key is empty", (copy) => writeFile(join(copy, "issuing.key"), ""), /issuing\.key is not a private key/],
    ["root.pem is rubbish", (copy) => writeFile(join(copy, "root.pem"), "rubbish"), /root\.pem is not a certificate/],
    ["another issuing.key", other("issuing.key"), /issuing\.key does not belong/],
    ["another root.key", other("root.key"), /root\.key does not belong/],
    [
      "the root key is not the root's",
      async (copy) => cp(join(copy, "issuing.key"), join(copy, "root.key")),
      /root\.key does not/,
    ],
    [
      "issuing.pem in place of root.pem",
      async (copy) => {
        await rm(join(copy, "root.key"));
        await cp(join(copy, "issuing.pem"), join(copy, "root.pem"));
      },
      /root\.pem is not a root/,
    ],
    [
      "a root of another",
      async (copy) => {
        await rm(join(copy, "root.key"));
        await other("root.pem")(copy);
      },
      /issuing\.pem was not signed by root\.pem/,
    ],
  ];
  it.each(cases)("%s: refused, and left as it is", async (name, damage, reason) => {
    const copy = await copyOf(name.replaceAll(" ", "-"));
    await damage(copy);
    const before = await contents(copy);
    await expect(openAuthority(copy, now)).rejects.toMatchObject({
      code: "BAD_CONFIG",
      message: expect.stringMatching(reason),
    });
    expect(await contents(copy)).toEqual(before);
  });

  it("an authority that ended is refused, not made anew", async () => {
    await expect(openAuthority(folder, new Date(now.getTime() + 21 * 366 * 24 * 3_600_000))).rejects.toMatchObject({
      code: "BAD_CONFIG",
      message: expect.stringMatching(/ended at/),
    });
  });

  async function copyOf(name: string): Promise<string> {
    const copy = join(place.folder, "copies", name);
    await cp(folder, copy, { recursive: true });
    return copy;
  }

  async function contents(copy: string): Promise<Record<string, string>> {
    const names = await readdir(copy);
    return Object.fromEntries(
      await Promise.all(names.map(async (one) => [one, await readFile(join(copy, one), "utf8")])),
    );
  }
});
