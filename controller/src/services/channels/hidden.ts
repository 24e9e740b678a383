/** What a receiver answers may repeat what it was sent: none of a channel's secret gets into logs, answers and the database. */
import { type Channel, ChannelError } from "../../adapters/channels/port.ts";

const HIDDEN = "***";
/** Shorter ones hide words that are none of it; nobody guesses from them either. */
const FEWEST_CHARACTERS = 4;
/** Of an address, parts that are so long are keys; shorter ones are words such as `services`. */
const FEWEST_OF_PART = 8;

/** The channel, with errors in which nothing of its secret is left. */
export function hidingSecrets(channel: Channel, secret: Readonly<Record<string, unknown>>): Channel {
  return {
    async send(notification, signal) {
      try {
        const partly = await channel.send(notification, signal);
        return partly === undefined ? undefined : { problem: withoutSecrets(partly.problem, secret) };
      } catch (error) {
        throw error instanceof ChannelError ? hidden(error, secret) : error;
      }
    },
  };
}

/** Without its cause, in which the words stand too. */
function hidden(
  { message, permanent, retryAfterSeconds }: ChannelError,
  secret: Readonly<Record<string, unknown>>,
): ChannelError {
  return new ChannelError(withoutSecrets(message, secret), { permanent, retryAfterSeconds });
}

function withoutSecrets(text: string, secret: Readonly<Record<string, unknown>>): string {
  const texts = Object.values(secret).filter((value) => typeof value === "string");
  const parts = [...new Set(texts.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  return withoutBeginning(
    parts.reduce((said, part) => said.replaceAll(part, HIDDEN), text),
    parts,
  );
}

/** As it was typed, as an address is asked for, and as mail servers are told of it. */
function formsOf(text: string): string[] {
  const url = URL.parse(text);
  const base64 = Buffer.from(text).toString("base64");
  if (url === null) return [text, base64].filter(({ length }) => length >= FEWEST_CHARACTERS);
  const pieces = [...url.pathname.split("/"), ...url.searchParams.values()];
  const whole = [text, url.href, `${url.pathname}${url.search}`, url.pathname];
  return [...whole.filter((one) => one !== "/"), ...pieces.filter(({ length }) => length >= FEWEST_OF_PART)];
}

/** What a receiver says is cut off somewhere, perhaps within a secret. */
function withoutBeginning(text: string, parts: readonly string[]): string {
  for (const part of parts)
    for (let length = part.length - 1; length >= FEWEST_OF_PART; length -= 1)
      if (text.endsWith(part.slice(0, length))) return `${text.slice(0, -length)}${HIDDEN}`;
  return text;
}
