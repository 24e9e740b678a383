import { generateKeyPairSync, randomBytes } from "node:crypto";
import { formatToken } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { createLog } from "./log.ts";

it("holds no secret, wherever it was put", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  const secret = randomBytes(32).toString("base64url");
  const token = formatToken({ tokenId: "abcdefgh", secret, rootFingerprint: "0".repeat(64) });
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const url = "https://ann:swordfish@controller:8443/x";
  log("info", `enrolling with ${token}`, { deep: [{ key }], url });
  log("error", `${key} at ${url}`, { error: new Error(token) });
  const text = lines.join("");
  for (const part of [secret, key.split("\n")[1] ?? "", "swordfish"]) expect(text).not.toContain(part);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "info", msg: expect.stringContaining("enrolling with hfe1.abcdefgh.[redacted]") },
    { level: "error" },
  ]);
  expect(text).toContain("ann:[redacted]@controller:8443");
});
