/** What every way of telling people has in common; one file beside this one for each. */
import type { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import type { OutboundSettings } from "../outbound/request.ts";

/** It was taken, but not for everybody: sending it again would help nobody. */
export type Partly = { problem: string };

export type Channel = {
  /** Resolves when the other side took it. ChannelError when it did not; the signal ends the attempt. */
  send(notification: Notification, signal: AbortSignal): Promise<Partly | undefined>;
};

/** `permanent`: the same again would be refused again, until somebody changes the channel. */
export class ChannelError extends Error {
  readonly permanent: boolean;
  /** As the other side asked for it. */
  readonly retryAfterSeconds: number | null;

  constructor(
    message: string,
    {
      permanent,
      retryAfterSeconds = null,
      cause,
    }: { permanent: boolean; retryAfterSeconds?: number | null; cause?: unknown },
  ) {
    super(message, { cause });
    this.name = "ChannelError";
    this.permanent = permanent;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** `config` is shown to whoever may see channels; `secret` never is. */
export type ChannelKind<Config extends z.ZodType = z.ZodType, Secret extends z.ZodType = z.ZodType> = {
  kind: string;
  config: Config;
  secret: Secret;
  open(config: z.infer<Config>, secret: z.infer<Secret>, outbound: OutboundSettings): Channel;
};
