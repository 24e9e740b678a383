import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import { type AomeiContext, type Reported, reportStatus, type StatusInput } from "./report-status.ts";

export type BatchOutcome = { reported: Reported } | { error: ControllerError };
/** `read` makes an input of what was sent, or throws a ControllerError. */
export type Batch = {
  statuses: readonly unknown[];
  read: (status: unknown) => StatusInput;
  idempotencyKey: string | undefined;
};

/** Takes or refuses each on its own, in their order; what is refused is in the audit under its code. */
export async function reportBatch(
  context: AomeiContext,
  caller: Caller,
  { statuses, read, idempotencyKey }: Batch,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  for (const [index, status] of statuses.entries()) {
    const key = idempotencyKey === undefined ? undefined : `${idempotencyKey}#${index}`;
    outcomes.push(await reportOne(context, caller, () => read(status), key));
  }
  await auditRefused(context, caller, outcomes);
  return outcomes;
}

async function reportOne(
  context: AomeiContext,
  caller: Caller,
  read: () => StatusInput,
  idempotencyKey: string | undefined,
): Promise<BatchOutcome> {
  try {
    const options = { idempotencyKey, refusal: "STATUS_UPDATE_FAILED" as const };
    return { reported: await reportStatus(context, caller, read(), options) };
  } catch (error) {
    if (error instanceof ControllerError) return { error };
    throw error;
  }
}

async function auditRefused({ store, now }: AomeiContext, caller: Caller, outcomes: BatchOutcome[]): Promise<void> {
  const refused = outcomes.flatMap((outcome, index) =>
    "error" in outcome ? [{ index, code: outcome.error.code, message: outcome.error.message }] : [],
  );
  const byCode = Map.groupBy(refused, ({ code }) => code);
  if (byCode.size === 0) return;
  await store.write(async (db) => {
    for (const [outcome, some] of byCode) {
      const details = { message: some[0]?.message, indexes: some.map(({ index }) => index) };
      await recordAudit(db, caller, { action: "aomei.report", subject: null, outcome, details }, now());
    }
  });
}
