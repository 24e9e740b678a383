import { type Actor, SCOPE_OF } from "../domain/access.ts";
import { type ControllerError, STATUS_OF } from "../errors.ts";
import { recordAudit } from "../services/audit/record.ts";
import type { ApiContext } from "./context.ts";
import type { Endpoint } from "./endpoint.ts";

type Story = { requestId: string; source: string; actor: Actor; subject: string | null };

/**
 * Notes what was refused: every call without the right to it, and every change that did not happen. What is refused for
 * coming too often is not noted, and so nobody can fill the table.
 */
export async function auditRefusal(
  context: ApiContext,
  endpoint: Endpoint | null,
  story: Story,
  error: ControllerError,
): Promise<void> {
  if (endpoint === null || endpoint.action === null) return;
  const status = STATUS_OF[error.code];
  const isDenied = status === 401 || status === 403;
  const isChange = endpoint.method !== "get" && SCOPE_OF[endpoint.action] !== "read";
  if (!(isDenied || isChange) || status === 429) return;
  const entry = {
    action: endpoint.action,
    subject: story.subject,
    outcome: error.code,
    details: { message: error.message },
  };
  try {
    await context.store.write((db) => recordAudit(db, story, entry, context.now()));
  } catch (cause) {
    context.log.error({ err: cause, request_id: story.requestId }, "a refusal could not be written to the audit");
  }
}
