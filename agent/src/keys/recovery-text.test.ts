import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRecoveryKey, recoveryKeyText } from "./recovery-text.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

describe("the recovery key's text", () => {
  it("comes back as the same key", () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const text = recoveryKeyText(bytes);
        expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
        expect(parseRecoveryKey(text)).toEqual(bytes);
      }),
    );
  });

  it("forgives how it was written down", () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const written = recoveryKeyText(bytes)
          .toLowerCase()
          .replaceAll("0", "o")
          .replaceAll("1", "l")
          .replaceAll("-", " ");
        expect(parseRecoveryKey(`# a note\r\n${written.slice(0, 30)}\r\n${written.slice(30)}\r\n`)).toEqual(bytes);
      }),
    );
  });

  it("notices a wrong character, and two that were swapped", () => {
    fc.assert(
      fc.property(key, fc.nat(55), fc.nat(31), (bytes, place, choice) => {
        const text = recoveryKeyText(bytes).replaceAll("-", "");
        const other = ALPHABET[choice] ?? "0";
        fc.pre(text[place] !== other);
        expect(() => parseRecoveryKey(text.slice(0, place) + other + text.slice(place + 1))).toThrow(/checksum/);
        const [a, b] = [text[place] ?? "", text[place + 1] ?? ""];
        if (place < 55 && a !== b)
          expect(() => parseRecoveryKey(text.slice(0, place) + b + a + text.slice(place + 2))).toThrow(/checksum/);
      }),
    );
  });

  it.each([
    ["", /0 characters/],
    ["ABCD-EFGH", /8 characters/],
    ["ABCD-EFGÜ", /character that no recovery key has/],
  ])("refuses %j", (text, why) => {
    expect(() => parseRecoveryKey(text)).toThrow(why);
  });
});
