import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalDigest, type SidecarBody, sealSidecar } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { sidecarPath } from "./layout.ts";
import { readSidecar, writeSidecar } from "./sidecar.ts";
import { bodyOf, idOf } from "./test-notation.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-sidecar-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

// The schema leaves this name out, as it would change what an object is.
const tagName = fc.string({ maxLength: 9 }).filter((name) => name !== "__proto__");

test("reads back what was written, whatever texts it holds", async () => {
  const path = sidecarPath(await folder(), idOf(1));
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.dictionary(tagName, fc.string({ maxLength: 9 })),
      async (reason, tags) => {
        const body = bodyOf(1, undefined, { reason, tags });
        expect(await writeSidecar(path, body)).toEqual(await readSidecar(path));
        expect(await readSidecar(path)).toMatchObject({ reason, tags });
      },
    ),
    { numRuns: 50 },
  );
});

test("a flipped bit is seen, wherever it is", async () => {
  const path = sidecarPath(await folder(), idOf(2));
  const parent = sealSidecar(bodyOf(1, undefined));
  await writeSidecar(path, bodyOf(2, parent, { reason: "größer", tags: { site: "Köln" } }));
  const good = await readFile(path);
  for (let bit = 0; bit < good.length * 8; bit += 5) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    await writeFile(path, bad);
    const error: unknown = await readSidecar(path).then(
      () => `bit ${bit} went unseen`,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "REPOSITORY_DAMAGED" });
  }
});

test("a file that was cut anywhere is seen", async () => {
  const path = sidecarPath(await folder(), idOf(1));
  await writeSidecar(path, bodyOf(1, undefined));
  const good = await readFile(path);
  for (let length = 0; length < good.length - 1; length += 7) {
    await writeFile(path, good.subarray(0, length));
    await expect(readSidecar(path)).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
  }
});

const full = sealSidecar(bodyOf(1, undefined));
test.each<[string, Partial<SidecarBody>, RegExp]>([
  ["another file", { file_name: `${idOf(3)}.qcow2` }, /points at another file/],
  ["another map", { hash_map: { ...full.hash_map, file_name: "x.map" } }, /points at another hash map/],
  ["another backup's description", { ...bodyOf(3, full) }, /describes another backup/],
  ["a parent of a full", { backup_type: "full" }, /contradicts itself/],
  ["an increment without parent", { parent_backup_id: null }, /contradicts itself/],
  ["a position that is a full's", { chain_position: 0 }, /position/],
  ["itself as its parent", { parent_backup_id: idOf(2) }, /itself as its parent/],
  ["a path for a name", { file_name: "../../etc/passwd" }, /not a sidecar this version understands/],
  ["an id for a path", { full_backup_id: "../x" }, /not a sidecar this version understands/],
  ["a status that is none", { status: "running" as "completed" }, /not a sidecar this version understands/],
  ["a newer form", { schema: "holdfast.backup/2" as "holdfast.backup/1" }, /newer version/],
])("sealed and yet refused: %s", async (_name, changes, message) => {
  const path = sidecarPath(await folder(), idOf(2));
  await writeFile(path, JSON.stringify(sealSidecar({ ...bodyOf(2, full), ...changes })));
  await expect(readSidecar(path)).rejects.toMatchObject({
    code: "REPOSITORY_DAMAGED",
    message: expect.stringMatching(message),
  });
  await expect(writeSidecar(path, { ...bodyOf(2, full), ...changes })).rejects.toMatchObject({ code: "INTERNAL" });
});

test("fields of a later version are covered by the digest and left alone", async () => {
  const path = sidecarPath(await folder(), idOf(1));
  const later = { ...bodyOf(1, undefined), later: { field: 1 } };
  await writeFile(path, JSON.stringify({ ...later, digest: canonicalDigest(later) }));
  expect((await readSidecar(path)).backup_id).toBe(idOf(1));
  await writeFile(path, JSON.stringify({ ...later, later: { field: 2 }, digest: canonicalDigest(later) }));
  await expect(readSidecar(path)).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
});

test("a link is not followed, a missing file is NOT_FOUND", async () => {
  const at = await folder();
  await writeSidecar(sidecarPath(at, idOf(1)), bodyOf(1, undefined));
  const elsewhere = await folder();
  await symlink(sidecarPath(at, idOf(1)), sidecarPath(elsewhere, idOf(1)));
  await expect(readSidecar(sidecarPath(elsewhere, idOf(1)))).rejects.toMatchObject({
    code: "REPOSITORY_DAMAGED",
    message: expect.stringMatching(/symbolic link/),
  });
  await expect(readSidecar(sidecarPath(elsewhere, idOf(2)))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
