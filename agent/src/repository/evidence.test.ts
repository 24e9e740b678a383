import { readFile, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readDisk } from "./catalogue.ts";
import {
  addDrill,
  addVerification,
  KEPT_RESULTS,
  latestProof,
  pin,
  readAllEvidence,
  readEvidence,
  unpin,
} from "./evidence.ts";
import { diskFolder, proofPath, sidecarPath } from "./layout.ts";
import { makeChains, temporaryRepository } from "./test-backups.ts";
import { DISK, day, drillOf, idOf, verificationOf } from "./test-notation.ts";

async function oneBackup() {
  const repository = await temporaryRepository();
  await makeChains(repository, "F1");
  return {
    repository,
    folder: diskFolder(repository.path, DISK),
    ...{ [Symbol.asyncDispose]: repository[Symbol.asyncDispose] },
  };
}

test("is empty at first, newest first, bounded, and one result counts once", async () => {
  await using at = await oneBackup();
  expect(await readEvidence(at.folder, idOf(1))).toMatchObject({ verifications: [], drills: [] });
  for (let n = 0; n < KEPT_RESULTS + 2; n++)
    await addVerification(at.folder, verificationOf(n, { backup_id: idOf(1) }));
  await addVerification(at.folder, verificationOf(50, { backup_id: idOf(1), status: "failed" }));
  const { verifications } = await readEvidence(at.folder, idOf(1));
  expect(verifications).toHaveLength(KEPT_RESULTS);
  expect(verifications.slice(0, 3).map((one) => [one.verification_id, one.status])).toEqual([
    ["v-50", "failed"],
    ["v-51", "passed"],
    ["v-49", "passed"],
  ]);
});

test("nothing is lost when many write at once", async () => {
  await using at = await oneBackup();
  await Promise.all([
    ...Array.from({ length: 8 }, (_, n) => addVerification(at.folder, verificationOf(n, { backup_id: idOf(1) }))),
    ...Array.from({ length: 8 }, (_, n) => addDrill(at.folder, drillOf(n, { backup_id: idOf(1) }))),
    pin(at.folder, idOf(1), "audit", day(3)),
  ]);
  const evidence = await readEvidence(at.folder, idOf(1));
  expect([evidence.verifications.length, evidence.drills.length, evidence.pinned?.reason]).toEqual([8, 8, "audit"]);
  expect((await unpin(at.folder, idOf(1))).pinned).toBeUndefined();
  expect((await readEvidence(at.folder, idOf(1))).drills).toHaveLength(8);
});

test("a result that comes after the backup was removed leaves nothing behind", async () => {
  await using at = await oneBackup();
  await rm(sidecarPath(at.folder, idOf(1)));
  await expect(addVerification(at.folder, verificationOf(1))).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(readFile(proofPath(at.folder, idOf(1)))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(pin(at.folder, "../x", "x", day(1))).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

test("a flipped bit in it is seen, and never read as unpinned", async () => {
  await using at = await oneBackup();
  await pin(at.folder, idOf(1), "audit", day(3));
  const path = proofPath(at.folder, idOf(1));
  const good = await readFile(path);
  for (let bit = 0; bit < good.length * 8; bit += 3) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    await writeFile(path, bad);
    await expect(readEvidence(at.folder, idOf(1))).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
  }
  const all = await readAllEvidence(await readDisk(at.repository, DISK));
  expect(all.get(idOf(1))).toBe("unreadable");
});

test("a damaged record is begun anew by the next result, under a pin that says why, until someone takes it away", async () => {
  await using at = await oneBackup();
  await addVerification(at.folder, verificationOf(1, { status: "failed" }));
  await writeFile(proofPath(at.folder, idOf(1)), "{}");
  const warnings: string[] = [];
  await addVerification(
    at.folder,
    verificationOf(2, { backup_id: idOf(1) }),
    (sentence) => void warnings.push(sentence),
  );
  expect(warnings).toEqual([expect.stringMatching(/is not a record of evidence, so it was begun anew.*unpin/)]);
  const begun = await readEvidence(at.folder, idOf(1));
  expect(begun).toMatchObject({ pinned: { reason: expect.stringMatching(/damaged/) } });
  expect(begun.verifications.map((one) => one.verification_id)).toEqual(["v-2"]);
  await addDrill(at.folder, drillOf(3, { backup_id: idOf(1) }), (sentence) => void warnings.push(sentence));
  expect(warnings).toHaveLength(1);
  await writeFile(proofPath(at.folder, idOf(1)), "{}");
  expect((await unpin(at.folder, idOf(1))).pinned).toBeUndefined();
  await writeFile(proofPath(at.folder, idOf(1)), "{}");
  expect((await pin(at.folder, idOf(1), "audit", day(3))).pinned?.reason).toBe("audit");
});

test.each<[string, Parameters<typeof latestProof>[0], string | undefined]>([
  ["nothing", { verifications: [], drills: [] }, undefined],
  [
    "structure alone proves no content",
    { verifications: [verificationOf(2, { parts: ["structure"] })], drills: [] },
    undefined,
  ],
  ["an error proves nothing", { verifications: [verificationOf(2, { status: "error" })], drills: [] }, undefined],
  [
    "an inconclusive drill neither",
    { verifications: [verificationOf(1)], drills: [drillOf(2, { status: "inconclusive" })] },
    "v-1 passed",
  ],
  ["the newer of both kinds", { verifications: [verificationOf(1)], drills: [drillOf(2)] }, "d-2 passed"],
  [
    "at one moment the bad one",
    { verifications: [verificationOf(2, { status: "failed" })], drills: [drillOf(2)] },
    "v-2 failed",
  ],
  [
    "a failed structure counts",
    { verifications: [verificationOf(3, { status: "failed", parts: ["structure"] }), verificationOf(2)], drills: [] },
    "v-3 failed",
  ],
])("the latest proof: %s", (_name, evidence, expected) => {
  const proof = latestProof(evidence);
  expect(proof && `${proof.id} ${proof.verdict}`).toBe(expected);
});
