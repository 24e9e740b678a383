/** Bounds that every message keeps, so that no peer can make the other hold more than this. */
import { z } from "zod";

/** A frame's largest size on the wire, in bytes; a larger one ends the connection. */
export const MAX_FRAME_BYTES = 1_048_576;
/** Events of one batch at most; a batch also stays below MAX_FRAME_BYTES. */
export const MAX_BATCH_EVENTS = 500;
/** One event's largest JSON, in bytes: what is larger is cut by whoever writes it, never by who reads it. */
export const MAX_EVENT_BYTES = 262_144;

/** RFC 3339, UTC; of its fractions of a second no more than anyone measures. */
export const time = z.iso.datetime().max(40);
export const sentence = z.string().max(4000);
export const count = z.number().int().nonnegative();
/** A random id of ours: 128 bits as a UUID. */
export const uuid = z.uuid();
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
/** Upper snake case, as every error of Holdfast has one. */
export const errorCode = z
  .string()
  .max(64)
  .regex(/^[A-Z][A-Z0-9_]*$/);

/** Why something did not work: what is wrong, and what to do about it when that is known. */
export const problem = z.object({ code: errorCode, message: sentence, remedy: sentence.nullable() });
export type Problem = z.infer<typeof problem>;
