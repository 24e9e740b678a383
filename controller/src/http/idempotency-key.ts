import { invalidFields } from "../services/lists/invalid-fields.ts";

/** The header `Idempotency-Key`: the same key again does nothing again. VALIDATION_ERROR when it is none. */
export function readIdempotencyKey(header: (name: string) => string | undefined): string | undefined {
  const key = header("idempotency-key");
  if (key === undefined || /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw invalidFields([{ path: "Idempotency-Key", message: "use 1 to 200 visible ASCII characters" }]);
}
