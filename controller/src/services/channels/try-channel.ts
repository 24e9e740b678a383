import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { ChannelError } from "../../adapters/channels/port.ts";
import type { Caller } from "../../domain/access.ts";
import type { Notification } from "../../domain/alert/observation.ts";
import { recordAudit } from "../audit/record.ts";
import { getChannel } from "./channels.ts";
import { openChannel } from "./kinds.ts";
import { noteTaken, type Outcome } from "./outcome.ts";
import type { ChannelContext } from "./telling.ts";

/** Both: it was taken, but not for everybody. */
export type Trial = { delivered: boolean; error: string | null };

/** Whoever asked waits for it. */
const TRIAL_MS = 25_000;

/** Sends a test message now, past the outbox, whether the channel is switched on or not. NOT_FOUND, FORBIDDEN. */
export async function tryChannel(
  context: ChannelContext,
  caller: Caller,
  channelId: string,
  signal: AbortSignal,
): Promise<Trial> {
  const row = await getChannel(context, caller.actor, channelId);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TRIAL_MS)]);
  const outcome = await attempt(context, row, limited);
  const failure = outcome instanceof ChannelError ? outcome.message : null;
  const at = context.now();
  await context.store.write(async (db) => {
    const { channels } = db.tables;
    const told = { lastFailureAt: at, lastError: failure?.slice(0, 1000) };
    if (outcome instanceof ChannelError) await db.update(channels).set(told).where(eq(channels.channelId, channelId));
    else await noteTaken(db, row, outcome, at);
    const details = { delivered: failure === null };
    await recordAudit(db, caller, { action: "channels.test", subject: channelId, outcome: "done", details }, at);
  });
  const problem = outcome instanceof ChannelError ? outcome.message : (outcome?.problem ?? null);
  return { delivered: failure === null, error: problem };
}

async function attempt(
  context: ChannelContext,
  row: Parameters<typeof openChannel>[1],
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await openChannel(context, row).send(testMessage(row.name), signal);
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
}

function testMessage(channel: string): Notification {
  return {
    notification_id: randomUUID(),
    kind: "test",
    title: "Holdfast: a test message",
    text: `Somebody asked for it, to see whether the channel ${channel} works. Nothing is wrong.`,
    severity: "info",
    alerts: [],
  };
}
