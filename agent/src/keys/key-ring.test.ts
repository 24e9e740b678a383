import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostKeyPath, KEYS_FILE } from "./key-files.ts";
import { confirmKey, createKey, importKey, type KeyPlace, openHostKey, openWithRecovery } from "./key-ring.ts";
import { readRecoveryFile } from "./recovery-file.ts";

const AT = new Date("2026-05-01T10:00:00Z");

describe("the key of a repository", () => {
  let root: string;
  let place: KeyPlace;
  let out: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
    place = { repositoryId: "main", repositoryPath: join(root, "repository"), stateDir: join(root, "state") };
    out = join(root, "recovery.txt");
    await mkdir(place.repositoryPath);
    await mkdir(place.stateDir);
  });
  afterEach(() => rm(root, { recursive: true }));

  const createAndConfirm = async (): Promise<Uint8Array> => {
    await createKey(place, out, AT);
    const recoveryKey = await readRecoveryFile(out);
    await confirmKey(place, recoveryKey, AT);
    return recoveryKey;
  };

  it("encrypts nothing before it exists and before its recovery key was confirmed", async () => {
    const refused = { code: "ENCRYPTION_NOT_READY" };
    await expect(openHostKey(place, "write")).rejects.toMatchObject({
      ...refused,
      remedy: expect.stringMatching(/key create main/),
    });
    expect(await openHostKey(place, "read")).toBeNull();
    await createKey(place, out, AT);
    await expect(openHostKey(place, "write")).rejects.toMatchObject({
      ...refused,
      remedy: expect.stringMatching(/key confirm main/),
    });
    await confirmKey(place, await readRecoveryFile(out), AT);
    expect((await openHostKey(place, "write"))?.mapKey).toHaveLength(32);
  });

  it("is the same for the host, for the recovery key alone and for a new host", async () => {
    const recoveryKey = await createAndConfirm();
    const own = await openHostKey(place, "write");
    expect(await openWithRecovery(place, recoveryKey)).toEqual(own);
    const newHost = { ...place, stateDir: join(root, "new-host") };
    await importKey(newHost, recoveryKey, AT);
    expect(await openHostKey(newHost, "write")).toEqual(own);
    const parts = [own?.passphrase, own?.mapKey, own?.recoveryPassphrase].map((part) =>
      Buffer.from(part ?? []).toString("hex"),
    );
    expect(new Set(parts).size).toBe(3);
  });

  it("keeps its secrets from other users and out of the repository", async () => {
    const recoveryKey = await createAndConfirm();
    const hostFile = hostKeyPath(place.stateDir, "main");
    for (const file of [hostFile, out]) expect((await stat(file)).mode & 0o777).toBe(0o600);
    const host = JSON.parse(await readFile(hostFile, "utf8"));
    const inRepository = await readFile(join(place.repositoryPath, KEYS_FILE), "utf8");
    expect(inRepository).not.toContain(host.primary_key);
    expect(inRepository).not.toContain(host.recovery_passphrase);
    const text = await readFile(hostFile, "utf8");
    expect(text).not.toContain(Buffer.from(recoveryKey).toString("base64"));
    await chmod(hostFile, 0o640);
    await expect(openHostKey(place, "read")).rejects.toMatchObject({
      code: "NO_PERMISSION",
      remedy: expect.stringMatching(/chmod 600/),
    });
  });

  it("warns about a recovery key in the repository or beside the host's own key", async () => {
    const { warnings } = await createKey(place, join(place.repositoryPath, "recovery.txt"), AT);
    expect(warnings).toEqual([expect.stringContaining("inside the repository"), expect.stringContaining("same disk")]);
  });

  it("overwrites no file", async () => {
    await writeFile(out, "mine");
    await expect(createKey(place, out, AT)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await readFile(out, "utf8")).toBe("mine");
    expect(await openHostKey(place, "read")).toBeNull();
  });

  it("is replaced while unconfirmed and never after", async () => {
    await createKey(place, out, AT);
    const lost = await readRecoveryFile(out);
    const second = join(root, "second.txt");
    const { warnings } = await createKey(place, second, AT);
    expect(warnings.join()).toContain("worthless");
    await expect(confirmKey(place, lost, AT)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await confirmKey(place, await readRecoveryFile(second), AT);
    await expect(createKey(place, join(root, "third.txt"), AT)).rejects.toMatchObject({ code: "CONFLICT" });
    const otherHost = { ...place, stateDir: join(root, "other") };
    await expect(createKey(otherHost, join(root, "third.txt"), AT)).rejects.toMatchObject({
      code: "CONFLICT",
      remedy: expect.stringMatching(/key import/),
    });
  });

  it("writes the repository's sealed copy again when it is lost or rotten", async () => {
    const recoveryKey = await createAndConfirm();
    const file = join(place.repositoryPath, KEYS_FILE);
    for (const rotten of [undefined, "{", "{}"]) {
      await (rotten === undefined ? rm(file) : writeFile(file, rotten));
      await expect(openWithRecovery(place, recoveryKey)).rejects.toThrow();
      const own = await openHostKey(place, "write");
      expect(await openWithRecovery(place, recoveryKey)).toEqual(own);
    }
  });

  it("does not open for another repository's recovery key, nor when a bit of the sealed key was changed", async () => {
    const recoveryKey = await createAndConfirm();
    const wrong = Uint8Array.from(recoveryKey, (byte, at) => (at === 5 ? byte ^ 1 : byte));
    await expect(openWithRecovery(place, wrong)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    const moved = { ...place, repositoryId: "other" };
    await expect(openWithRecovery(moved, recoveryKey)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});
