import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect, it } from "vitest";
import { openSigningKey } from "./signing-key.ts";
import { tokenIssuer } from "./tokens.ts";

const at = new Date("2026-01-01T00:00:00Z");
const later = new Date("2026-01-02T00:00:00Z");
const { privateKey } = generateKeyPairSync("ed25519");
const issuer = tokenIssuer(privateKey, () => at);
const admin = { subject: "admin", scopes: ["admin"] as const, expiresAt: later };

async function handMade(header: object, payload: object, key = privateKey): Promise<string> {
  return await new SignJWT({ ...payload }).setProtectedHeader({ alg: "EdDSA", typ: "JWT", ...header }).sign(key);
}
const seconds = (date: Date) => date.getTime() / 1000;
const good = {
  iss: "holdfast",
  aud: "holdfast-api",
  sub: "admin",
  jti: "1",
  iat: seconds(at),
  exp: seconds(later),
  scope: "read admin sudo",
};

it("a token says who and what for, until it expires", async () => {
  const token = await issuer.issue(admin);
  expect(await issuer.read(token)).toEqual({
    actor: { kind: "token", id: "admin", scopes: ["admin"], agentId: null },
    tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    expiresAt: later,
  });
  expect(await tokenIssuer(privateKey, () => new Date(later.getTime() + 1000)).read(token)).toBeNull();
});

it("scopes it does not know give nothing", async () => {
  expect((await issuer.read(await handMade({}, good)))?.actor.scopes).toEqual(["read", "admin"]);
});

it.each<[string, () => Promise<string>]>([
  ["nonsense", async () => "a.b.c"],
  ["another key", () => handMade({}, good, generateKeyPairSync("ed25519").privateKey)],
  ["another issuer", () => handMade({}, { ...good, iss: "else" })],
  ["another audience", () => handMade({}, { ...good, aud: "else" })],
  ["no expiry", () => handMade({}, { ...good, exp: undefined })],
  ["no subject", () => handMade({}, { ...good, sub: undefined })],
  ["no scope", () => handMade({}, { ...good, scope: undefined })],
  ["another type", () => handMade({ typ: "at+jwt" }, good)],
  ["no signature", async () => `${btoa('{"alg":"none","typ":"JWT"}')}.${btoa(JSON.stringify(good))}.`],
  [
    "a changed payload",
    async () => (await issuer.issue(admin)).replace(/\.(.)/, (_all, first) => `.${first === "e" ? "f" : "e"}`),
  ],
])("refuses a token with %s", async (_what, make) => {
  expect(await issuer.read(await make())).toBeNull();
});

it("the key is made once, for its owner only, also when two start at once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
  try {
    const keys = join(folder, "keys");
    const both = await Promise.all([openSigningKey(keys), openSigningKey(keys)]);
    expect(both.map(({ isNew }) => isNew).sort()).toEqual([false, true]);
    const again = await openSigningKey(keys);
    expect(again.isNew).toBe(false);
    for (const { privateKey: key } of both) expect(again.privateKey.equals(key)).toBe(true);
    expect(await readdir(keys)).toEqual(["token-signing.pem"]);
    expect((await stat(join(keys, "token-signing.pem"))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
});
