/** How people are told. A secret comes from a file or standard input, never from the command line. */
import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { ChannelDocument, DeliveryDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText, shortText, stateWord, timeText } from "../format.ts";
import { readObject, without } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { idOf } from "../named.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/channels";
/** What only an answer has. */
const ANSWERED = [
  ...["channel_id", "has_secret", "disabled_at", "disabled_reason", "last_success_at", "last_failure_at"],
  ...["last_error", "created_at", "created_by", "updated_at"],
];

const CHANNELS: ListSpec<ChannelDocument> = {
  path: PATH,
  field: "channels",
  columns: [
    ["NAME", (channel) => plainText(channel.name)],
    ["KIND", (channel) => channel.kind],
    ["STATE", (channel) => (channel.enabled ? "on" : channel.disabled_at === null ? "off" : "given up")],
    ["DAILY PROOF", (channel) => (channel.canary ? "yes" : "no")],
    ["LAST SENT", (channel) => timeText(channel.last_success_at)],
    ["LAST FAILED", (channel) => timeText(channel.last_failure_at)],
    ["", (channel) => shortText(channel.disabled_reason ?? channel.last_error)],
    ["ID", (channel) => channel.channel_id],
  ],
  none: "There is no channel.",
};

export async function listChannels(options: PageOptions): Promise<Answer> {
  return await list(options, CHANNELS, () => ({}));
}

export type WriteOptions = Globals & { secretFile?: string };

async function readChannel(file: string, { secretFile }: WriteOptions): Promise<object> {
  const channel = without(await readObject(file, "a channel"), ANSWERED);
  return secretFile === undefined ? channel : { ...channel, secret: await readObject(secretFile, "a secret") };
}

export async function createChannel(file: string, options: WriteOptions): Promise<Answer> {
  const body = await readChannel(file, options);
  return await tell(
    options,
    (client) => client.call<ChannelDocument>("POST", PATH, { body }),
    (one) => `The channel ${plainText(one.name)} (${one.channel_id}) is made: \`holdfast channel test\` tries it.`,
  );
}

export async function changeChannel(named: string, file: string, options: WriteOptions): Promise<Answer> {
  const body = await readChannel(file, options);
  return await tell(
    options,
    async (client) => client.call<ChannelDocument>("PUT", await pathOf(client, named), { body }),
    (one) => `The channel ${plainText(one.name)} is changed.`,
  );
}

export async function removeChannel(named: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    async (client) => client.call<ChannelDocument>("DELETE", await pathOf(client, named)),
    (one) => `The channel ${plainText(one.name)} is removed.`,
  );
}

/** Exit code 1 when the message did not arrive. */
export async function testChannel(named: string, globals: Globals): Promise<Answer> {
  return await withClient(globals, async (client) => {
    type Trial = { delivered: boolean; error: string | null };
    const trial = await client.call<Trial>("POST", `${await pathOf(client, named)}/test`);
    const text = () => (trial.delivered ? "The message was taken." : `It did not arrive: ${plainText(trial.error)}`);
    return { document: trial, text, exitCode: trial.delivered ? EXIT.ok : EXIT.failed };
  });
}

const DELIVERIES: ListSpec<DeliveryDocument> = {
  path: "/api/v1/deliveries",
  field: "deliveries",
  columns: [
    ["MADE", (one) => timeText(one.created_at)],
    ["KIND", (one) => one.kind],
    ["STATE", (one) => stateWord(one.state)],
    ["TRIES", (one) => String(one.attempts)],
    ["CHANNEL", (one) => plainText(one.channel_id)],
    ["", (one) => shortText(one.title)],
    ["ERROR", (one) => shortText(one.last_error)],
  ],
  none: "There is no such message.",
};

export async function listDeliveries(
  named: string | undefined,
  options: PageOptions & { state?: string },
): Promise<Answer> {
  return await list(options, DELIVERIES, async (client) => ({
    channel_id: named === undefined ? undefined : await channelIdOf(client, named),
    state: options.state,
  }));
}

async function channelIdOf(client: Client, named: string): Promise<string> {
  const known = { path: PATH, field: "channels", what: "channel", command: "holdfast channel list" };
  return await idOf<ChannelDocument>(client, { ...known, id: ({ channel_id }) => channel_id }, named);
}

async function pathOf(client: Client, named: string): Promise<string> {
  return `${PATH}/${encodeURIComponent(await channelIdOf(client, named))}`;
}
