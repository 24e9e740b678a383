import fc from "fast-check";
import { expect, test } from "vitest";
import { diskFolder, diskOfNames, fileRole, imagePath, jobPath, mapPath, proofPath, sidecarPath } from "./layout.ts";

const ID = "backup-vm-disk0-20250101-030000";

test.each(["../etc", "..", "a/../b", "a/b", "a\\b", "", ".hidden", "a\0b", "x".repeat(65), "a..b"])(
  "%j never becomes a folder",
  (vmContextId) => {
    expect(() => diskFolder("/r", { vmContextId, diskId: 0 })).toThrow(
      expect.objectContaining({ code: "BAD_REQUEST" }),
    );
  },
);

test.each([-1, 1.5, 1000, Number.NaN])("disk %d never becomes a folder", (diskId) => {
  expect(() => diskFolder("/r", { vmContextId: "a", diskId })).toThrow(
    expect.objectContaining({ code: "BAD_REQUEST" }),
  );
});

test.each([
  "../backup-vm-disk0-20250101-030000",
  "backup-../x-disk0-20250101-030000",
  "backup-vm",
  `${ID}/..`,
  "",
  `${ID}\n`,
])("%j never becomes a file", (id) => {
  for (const path of [imagePath, mapPath, sidecarPath, proofPath, jobPath])
    expect(() => path("/r", id)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("whatever id is let through, its files stay in the folder", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", "-", "0", "\0", "_"), maxLength: 12 }),
      (middle) => {
        let path = "";
        try {
          path = imagePath("/r/ctx/disk-0", `backup-${middle}-disk0-20250101-030000`);
        } catch {
          return;
        }
        expect(path).toMatch(/^\/r\/ctx\/disk-0\/backup-[^/\\]*\.qcow2$/);
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  [`${ID}.qcow2`, "image"],
  [`${ID}.qcow2.map`, "map"],
  [`${ID}.qcow2.json`, "sidecar"],
  [`${ID}.qcow2.proof.json`, "proof"],
  [`${ID}.job.json`, "job"],
  ["chain.json", "chain"],
  ["removal.json", "removal"],
  ["chain.json.0a1b2c3d.partial", "partial"],
  [`${ID}.qcow2.json.0a1b2c3d.partial`, "partial"],
  // The data of a backup is removed by its journal alone.
  [`${ID}.qcow2.0a1b2c3d.partial`, "unknown"],
  [`${ID}.qcow2.partial`, "unknown"],
  ["notes.json.0a1b2c3d.partial", "unknown"],
  [".nfs0000001", "system"],
  ["notes.txt", "unknown"],
  ["backup-a.qcow2-disk0-20250101-030000.qcow2", "image"],
])("%s is of the role %s", (name, role) => {
  expect(fileRole(name).role).toBe(role);
});

test("a folder's names are read back as the disk they were made for, and no other spelling is", () => {
  expect(diskOfNames("ctx-1", "disk-12")).toEqual({ vmContextId: "ctx-1", diskId: 12 });
  for (const name of ["disk-012", "disk-", "disk-1000", "disk--1", "Disk-1"])
    expect(diskOfNames("ctx-1", name)).toBeUndefined();
  expect(diskOfNames("..", "disk-1")).toBeUndefined();
});
