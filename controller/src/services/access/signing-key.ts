import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { type KeptKey, keepPrivateKey } from "./private-key-file.ts";

/** The key that signs people's tokens: Ed25519, in `<folder>/token-signing.pem`. New: no token exists yet. */
export async function openSigningKey(folder: string): Promise<KeptKey> {
  return await keepPrivateKey(join(folder, "token-signing.pem"), () => generateKeyPairSync("ed25519").privateKey);
}
