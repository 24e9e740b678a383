import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MARKER_FILE } from "./layout.ts";
import { initRepository, openRepository, repositoryOfFolder } from "./marker.ts";

async function place(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-marker-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("is made once, and the same again opens it unchanged", async () => {
  const path = join(await place(), "deep", "er");
  const made = await initRepository(path, "repo-1", "nfs");
  const marker = await readFile(join(path, MARKER_FILE), "utf8");
  expect(JSON.parse(marker)).toMatchObject({ schema: "holdfast.repository/1", repository_id: "repo-1", kind: "nfs" });
  expect(await initRepository(path, "repo-1")).toEqual(made);
  expect(await openRepository(path, "repo-1")).toEqual({ repositoryId: "repo-1", path });
  expect(await readFile(join(path, MARKER_FILE), "utf8")).toBe(marker);
});

test("never takes over what is something else", async () => {
  const path = await place();
  await writeFile(join(path, "holiday.jpg"), "x");
  await expect(initRepository(path, "repo-1")).rejects.toMatchObject({
    code: "REPOSITORY_INVALID",
    message: expect.stringMatching(/holiday.jpg/),
  });
  await expect(initRepository(join(path, "holiday.jpg"), "repo-1")).rejects.toMatchObject({ name: "HoldfastError" });
  await expect(initRepository(await place(), "../x")).rejects.toMatchObject({ code: "BAD_REQUEST" });
  const other = await place();
  await initRepository(other, "repo-1");
  await expect(initRepository(other, "repo-2")).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
  await expect(openRepository(other, "repo-2")).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
});

test("a fresh file system's own folders and an earlier attempt's rest are no obstacle", async () => {
  const path = await place();
  await mkdir(join(path, "lost+found"));
  await writeFile(join(path, `${MARKER_FILE}.0a1b2c3d.partial`), '{"sch');
  expect((await initRepository(path, "repo-1")).repositoryId).toBe("repo-1");
});

test("a repository whose file system is not mounted is noticed", async () => {
  const path = await place();
  await expect(openRepository(path)).rejects.toMatchObject({
    code: "REPOSITORY_INVALID",
    message: expect.stringMatching(/is it mounted\?/),
  });
  await expect(openRepository(join(path, "gone"))).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
  await writeFile(join(path, MARKER_FILE), '{"schema":"holdfast.repository/1"}');
  await expect(openRepository(path)).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
  await expect(repositoryOfFolder(join(path, "ctx", "elsewhere"))).rejects.toMatchObject({
    code: "REPOSITORY_DAMAGED",
  });
});
