/** Empties the outbox: for each route and channel in its order, different ones side by side, and again until it is taken. */
import { setTimeout as sleep } from "node:timers/promises";
import { ChannelError } from "../../adapters/channels/port.ts";
import { type Claimed, claimHeads } from "./claim.ts";
import { openChannel } from "./kinds.ts";
import { noteOutcome, type Outcome } from "./outcome.ts";
import type { ChannelContext } from "./telling.ts";

/** One attempt; the claim is longer. */
const ATTEMPT_MS = 30_000;
const AT_ONCE = 8;
const LOOK_MS = 500;

/** Resolves when nothing is due any more, or with the signal, when nothing is under way any more. */
export async function deliverDue(context: ChannelContext, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (;;) {
    const wasIdle = underWay.size === 0;
    const heads = signal.aborted ? [] : await claimHeads(context, AT_ONCE - underWay.size);
    for (const head of heads) {
      const sending = deliver(context, head, signal).finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
    // What ended while more was looked for may have made way for the next one.
    if (underWay.size === 0 && wasIdle) return;
    // A slow receiver keeps nobody else waiting.
    if (underWay.size > 0) await Promise.race([...underWay, sleep(LOOK_MS)]);
  }
}

async function deliver(context: ChannelContext, claimed: Claimed, signal: AbortSignal): Promise<void> {
  const outcome = await attempt(context, claimed, AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]));
  // Stopped in the middle: whether it arrived is not known, so it is sent again.
  if (outcome instanceof ChannelError && signal.aborted) return;
  try {
    await noteOutcome(context, claimed, outcome);
  } catch (failure) {
    context.log.error({ err: failure, delivery_id: claimed.delivery.deliveryId }, "a delivery could not be noted");
  }
}

async function attempt(context: ChannelContext, { delivery, channel }: Claimed, signal: AbortSignal): Promise<Outcome> {
  try {
    const payload = { ...delivery.payload, notification_id: delivery.deliveryId };
    return await openChannel(context, channel).send(payload, signal);
  } catch (error) {
    if (error instanceof ChannelError) return error;
    return new ChannelError(error instanceof Error ? error.message : String(error), { permanent: false, cause: error });
  }
}
