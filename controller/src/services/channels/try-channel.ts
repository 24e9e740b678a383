import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { ChannelError } from "../../adapters/channels/port.ts";
import type { Caller } from "../../domain/access.ts";
import type { Notification } from "../../domain/alert/observation.ts";
import { recordObservations } from "../alerts/observe.ts";
import { recordAudit } from "../audit/record.ts";
import { getChannel } from "./channels.ts";
import { openChannel } from "./kinds.ts";
import { channelWorks } from "./observed.ts";
import type { ChannelContext } from "./telling.ts";

export type Trial = { delivered: boolean; error: string | null };

/** Sends a test message now, past the outbox, whether the channel is switched on or not. NOT_FOUND, FORBIDDEN. */
export async function tryChannel(
  context: ChannelContext,
  caller: Caller,
  channelId: string,
  signal: AbortSignal,
): Promise<Trial> {
  const row = await getChannel(context, caller.actor, channelId);
  const error = await attempt(context, row, signal);
  const at = context.now();
  await context.store.write(async (db) => {
    const { channels } = db.tables;
    const told = error === null ? { lastSuccessAt: at } : { lastFailureAt: at, lastError: error };
    await db.update(channels).set(told).where(eq(channels.channelId, channelId));
    if (error === null && row.enabled) await recordObservations(db, channelWorks(row), at);
    const details = { delivered: error === null };
    await recordAudit(db, caller, { action: "channels.test", subject: channelId, outcome: "done", details }, at);
  });
  return { delivered: error === null, error };
}

async function attempt(
  context: ChannelContext,
  row: Parameters<typeof openChannel>[1],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await openChannel(context, row).send(testMessage(row.name), signal);
    return null;
  } catch (error) {
    if (error instanceof ChannelError) return error.message;
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
