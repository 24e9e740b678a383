import { z } from "zod";
import { HoldfastError } from "../../errors.ts";

/** One entry of a policy. BAD_REQUEST when this agent cannot carry it out as it stands. */
export function parsed<T>(schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new HoldfastError("BAD_REQUEST", {
    message: `this agent cannot carry it out as it stands: ${z.prettifyError(result.error).slice(0, 2000)}`,
    remedy: "Correct the entry; if it uses what a newer agent knows, update the agent.",
  });
}
