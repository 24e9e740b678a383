/** The kinds of channel there are, and how a stored one is opened. */
import type { z } from "zod";
import { openLogChannel } from "../../adapters/channels/log.ts";
import { ntfy } from "../../adapters/channels/ntfy.ts";
import { type Channel, ChannelError, type ChannelKind } from "../../adapters/channels/port.ts";
import { slack } from "../../adapters/channels/slack.ts";
import { smtp } from "../../adapters/channels/smtp.ts";
import { webhook } from "../../adapters/channels/webhook.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { FieldProblem } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { hidingSecrets } from "./hidden.ts";
import type { ChannelContext, Telling } from "./telling.ts";

export type ChannelRow = Db["tables"]["channels"]["$inferSelect"];
/** The log is always there, and nobody makes another one. */
export type MadeKind = Exclude<ChannelRow["kind"], "log">;

const KINDS: Record<MadeKind, ChannelKind> = {
  smtp: smtp as unknown as ChannelKind,
  slack: slack as unknown as ChannelKind,
  ntfy: ntfy as unknown as ChannelKind,
  webhook: webhook as unknown as ChannelKind,
};

type Checked = { config: Record<string, unknown>; secret: Record<string, unknown>; problems: FieldProblem[] };

/** What was typed, with its defaults, and everything that is wrong with it. */
export function checkFields(kind: MadeKind, given: { config: unknown; secret: unknown }): Checked {
  const config = KINDS[kind].config.safeParse(given.config);
  const secret = KINDS[kind].secret.safeParse(given.secret);
  const problems = [...problemsOf("config", config.error), ...problemsOf("secret", secret.error)];
  return {
    config: (config.data ?? {}) as Record<string, unknown>,
    secret: (secret.data ?? {}) as Record<string, unknown>,
    problems,
  };
}

function problemsOf(part: string, error: z.ZodError | undefined): FieldProblem[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ path: [part, ...path].join("."), message }));
}

/** null when the channel has none. */
export function sealSecret({ secrets }: Telling, channelId: string, secret: Record<string, unknown>): string | null {
  return Object.keys(secret).length === 0 ? null : secrets.seal(JSON.stringify(secret), contextOf(channelId));
}

/** ChannelError, a permanent one, when its secret cannot be opened any more. */
export function openChannel({ telling, log }: Pick<ChannelContext, "telling" | "log">, row: ChannelRow): Channel {
  if (row.kind === LOG_CHANNEL) return openLogChannel(log);
  const secret = openSecret(telling, row);
  return hidingSecrets(KINDS[row.kind].open(row.config, secret, telling.outbound), secret);
}

export function openSecret({ secrets }: Telling, { channelId, secret }: ChannelRow): Record<string, unknown> {
  if (secret === null) return {};
  try {
    return JSON.parse(secrets.open(secret, contextOf(channelId))) as Record<string, unknown>;
  } catch (cause) {
    throw new ChannelError("its secret does not open with this controller's key: give it again", {
      permanent: true,
      cause,
    });
  }
}

function contextOf(channelId: string): string {
  return `channel:${channelId}`;
}
