/** Packs of evidence, each kept for a while, so that a pack and its signature can be asked for one after the other. */
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Store } from "../../store/db.ts";
import { keepPrivateKey } from "../access/private-key-file.ts";
import { type PackFacts, type Signer, writePack } from "./pack.ts";
import type { Period } from "./proofs.ts";

export type Evidence = {
  /** The same for the same period for a quarter of an hour. */
  pack: (period: Period) => Promise<PackFacts>;
  /** Its bytes; undefined when it is not kept any more. */
  read: (pack: PackFacts) => Promise<ReadableStream<Uint8Array> | undefined>;
  publicKeyPem: string;
};
type Place = {
  store: Store;
  now: () => Date;
  /** Emptied: what lies in it is made again when it is asked for. */
  folder: string;
  keyFile: string;
  /** What a pack says of its maker. */
  controller: Record<string, string>;
};
type Kept = { madeAt: Date; made: Promise<PackFacts> };

const KEPT_MS = 15 * 60_000;
const MOST_KEPT = 8;

/** The key (ECDSA P-256) is made when it is missing. Throws when its file holds no key. */
export async function openEvidence({ store, now, folder, keyFile, controller }: Place): Promise<Evidence> {
  const make = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const { privateKey: key } = await keepPrivateKey(keyFile, make);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const publicKey = createPublicKey(key);
  // After a new key was made, which of them checks a pack.
  const keySha256 = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
  const signer: Signer = { key, controller: { ...controller, key_sha256: keySha256 } };
  let counted = 0;
  return {
    pack: keptPacks(now, async (period, at) => {
      counted += 1;
      const path = join(folder, `${counted}.json`);
      try {
        return await writePack(store, signer, { period, path, now: at });
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    }),
    async read({ path }) {
      const file = await open(path, "r").catch(() => undefined);
      return file && (Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>);
    },
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** Makes packs, each once for as long as it is kept. */
function keptPacks(now: () => Date, make: (period: Period, at: Date) => Promise<PackFacts>): Evidence["pack"] {
  const kept = new Map<string, Kept>();

  async function forget(name: string): Promise<void> {
    const old = kept.get(name);
    kept.delete(name);
    const path = await old?.made.then(
      (facts) => facts.path,
      () => undefined,
    );
    if (path !== undefined) await rm(path, { force: true });
  }

  return async (period) => {
    const at = now();
    const name = JSON.stringify([period.from, period.until, period.agentId]);
    const old = [...kept].filter(([, { madeAt }]) => at.getTime() - madeAt.getTime() >= KEPT_MS).map(([each]) => each);
    await Promise.all(old.map(forget));
    const known = kept.get(name);
    if (known !== undefined) return await known.made;
    const made = make(period, at);
    // Noted at once: who asks for the signature meanwhile gets that of the same pack.
    kept.set(name, { madeAt: at, made });
    made.catch(() => kept.delete(name));
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) await forget(oldest);
    return await made;
  };
}
