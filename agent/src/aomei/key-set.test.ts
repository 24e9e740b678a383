import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createKeySet, LEAST_KEY_BYTES } from "./key-set.ts";

it("holds what a Set holds", () => {
  const key = fc.uint8Array({ minLength: LEAST_KEY_BYTES, maxLength: LEAST_KEY_BYTES });
  const similar = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: LEAST_KEY_BYTES, maxLength: LEAST_KEY_BYTES });
  const keys = fc.array(
    fc.oneof(
      key,
      similar.map((bytes) => Uint8Array.from(bytes)),
    ),
  );
  fc.assert(
    fc.property(keys, keys, (added, asked) => {
      const set = createKeySet();
      const model = new Set(added.map(String));
      for (const one of added) set.add(one);
      expect(set.size()).toBe(model.size);
      for (const one of [...added, ...asked]) expect(set.has(one)).toBe(model.has(String(one)));
    }),
  );
});

it("grows", () => {
  const set = createKeySet();
  const key = (n: number): Uint8Array => createHash("sha256").update(String(n)).digest().subarray(0, LEAST_KEY_BYTES);
  for (let n = 0; n < 20_000; n++) set.add(key(n));
  for (let n = 0; n < 40_000; n += 7) expect(set.has(key(n))).toBe(n < 20_000);
});
