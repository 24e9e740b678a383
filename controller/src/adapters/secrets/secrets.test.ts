import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { secretBox } from "./box.ts";
import { openKeyFile } from "./key-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-secrets-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("what was sealed opens with the same key and context, and with nothing else", () => {
  const box = secretBox(randomBytes(32));
  const other = secretBox(randomBytes(32));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), fc.string(), (secret, context, another) => {
      const sealed = box.seal(secret, context);
      expect(box.open(sealed, context)).toBe(secret);
      expect(() => other.open(sealed, context)).toThrow();
      if (Buffer.from(context).compare(Buffer.from(another)) !== 0) expect(() => box.open(sealed, another)).toThrow();
    }),
  );
});

it("a changed, cut or foreign text does not open", () => {
  const box = secretBox(randomBytes(32));
  const sealed = box.seal("pass word", "channel:1");
  expect(sealed).not.toContain("pass");
  expect(box.seal("pass word", "channel:1")).not.toBe(sealed);
  const [version, nonce, text = ""] = sealed.split(".");
  const flipped = Buffer.from(text, "base64url").map((byte, index) => (index === 3 ? byte ^ 1 : byte));
  const bad = ["", "pass word", `${version}.${nonce}`, `${sealed}.x`, `v2.${nonce}.${text}`, sealed.slice(0, -4)];
  for (const one of [...bad, `${version}.${nonce}.${Buffer.from(flipped).toString("base64url")}`])
    expect(() => box.open(one, "channel:1"), one).toThrow();
});

it("the key is made once, for its owner alone, and twenty starts at once get the same", async () => {
  const path = join(folder, "keys", "secrets.key");
  const keys = await Promise.all(Array.from({ length: 20 }, () => openKeyFile(path)));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, "keys"))).toEqual(["secrets.key"]);
});

it("a file that is no key is an error, and stays as it is", async () => {
  const path = join(folder, "cut.key");
  await writeFile(path, "short");
  await expect(openKeyFile(path)).rejects.toThrow(/does not hold a key/);
  expect((await stat(path)).size).toBe(5);
});
