/** Bytes for disks: always the same for the same seed, made faster than a disk can be written. */
import { createCipheriv, createHash } from "node:crypto";

export type Kind = "incompressible" | "text";

/** Uniform numbers in [0, 1), always the same for the same seed (xorshift). */
export function createRandom(seed: number): () => number {
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Fills a buffer with content of one kind. */
export type Filler = (buffer: Buffer, kind: Kind) => void;

const WORDS = 5_000;
const PHRASES = 65_536;
const PHRASE_BYTES = 40;

/**
 * Text is phrases of made-up words: zstd makes it some three times smaller, and since there are more phrases than fit
 * into a block, no two stretches of it are alike (a deduplicating peer finds nothing that is not there).
 */
export function createFiller(seed: number): Filler {
  const random = createRandom(seed);
  const phrases = makePhrases(random);
  const key = createHash("sha256").update(`bench ${seed}`).digest();
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(2 ** 20);
  return (buffer, kind) => {
    for (let at = 0; at < buffer.length; ) {
      if (kind === "incompressible") {
        at += stream.update(zeros.subarray(0, buffer.length - at)).copy(buffer, at);
      } else {
        const phrase = Math.floor(random() * PHRASES) * PHRASE_BYTES;
        at += phrases.copy(buffer, at, phrase, phrase + PHRASE_BYTES);
      }
    }
  };
}

function makePhrases(random: () => number): Buffer {
  const letter = (): number => 97 + Math.floor(random() * 26);
  const word = (): string => String.fromCharCode(...Array.from({ length: 2 + Math.floor(random() * 8) }, letter));
  const words = Array.from({ length: WORDS }, word);
  const phrases = Buffer.alloc(PHRASES * PHRASE_BYTES, " ");
  for (let phrase = 0; phrase < PHRASES; phrase++) {
    let text = "";
    while (text.length < PHRASE_BYTES) text += `${words[Math.floor(random() * WORDS)] ?? ""} `;
    phrases.write(text.slice(0, PHRASE_BYTES - 1), phrase * PHRASE_BYTES, "latin1");
  }
  return phrases;
}
