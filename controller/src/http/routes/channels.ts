import { z } from "@hono/zod-openapi";
import {
  changeChannel,
  createChannel,
  getChannel,
  listChannels,
  removeChannel,
} from "../../services/channels/channels.ts";
import { listDeliveries } from "../../services/channels/deliveries.ts";
import { tryChannel } from "../../services/channels/try-channel.ts";
import { channelBody, channelFields, channelInput, deliveryBody, toChannel, toDelivery } from "../answers/channel.ts";
import { flag, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "alerts";
const channelId = z.string().min(1).max(100);
const params = z.strictObject({ channel_id: channelId });

const list = endpoint({
  method: "get",
  path: "/api/v1/channels",
  tag,
  summary: "How people can be told",
  action: "channels.read",
  query: z.strictObject({
    enabled: flag.optional().openapi({ description: "Whether it is switched on." }),
    kind: z.enum(["smtp", "slack", "ntfy", "webhook", "log"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ channels: z.array(channelBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listChannels(context, caller.actor, query);
    return { status: 200, body: { channels: page.rows.map(toChannel), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/channels",
  tag,
  summary: "Set up a way to tell people",
  description:
    "Nothing is sent to loopback, link-local and private addresses unless the setting `outbound_allow` names them.",
  action: "channels.change",
  body: channelInput,
  answers: { 201: channelBody },
  refusals: ["CONFLICT"],
  handle: async (context, { body, caller }) => ({
    status: 201,
    body: toChannel(await createChannel(context, caller, channelFields(body))),
  }),
});

const get = endpoint({
  method: "get",
  path: "/api/v1/channels/{channel_id}",
  tag,
  summary: "One channel",
  action: "channels.read",
  params,
  answers: { 200: channelBody },
  handle: async (context, { params: { channel_id }, caller }) => ({
    status: 200,
    body: toChannel(await getChannel(context, caller.actor, channel_id)),
  }),
});

const change = endpoint({
  method: "put",
  path: "/api/v1/channels/{channel_id}",
  tag,
  summary: "Replace what a channel is, or switch it on again",
  action: "channels.change",
  params,
  body: channelInput,
  answers: { 200: channelBody },
  refusals: ["CONFLICT", "CANNOT_BE_DONE"],
  handle: async (context, { params: { channel_id }, body, caller }) => ({
    status: 200,
    body: toChannel(await changeChannel(context, caller, channel_id, channelFields(body))),
  }),
});

const remove = endpoint({
  method: "delete",
  path: "/api/v1/channels/{channel_id}",
  tag,
  summary: "Remove a channel that no route names",
  action: "channels.change",
  params,
  answers: { 200: channelBody },
  refusals: ["HAS_DEPENDENTS", "CANNOT_BE_DONE"],
  handle: async (context, { params: { channel_id }, caller }) => ({
    status: 200,
    body: toChannel(await removeChannel(context, caller, channel_id)),
  }),
});

const trial = z.strictObject({ delivered: z.boolean(), error: z.string().nullable() }).openapi("ChannelTrial");

const test = endpoint({
  method: "post",
  path: "/api/v1/channels/{channel_id}/test",
  tag,
  summary: "Send a test message now",
  action: "channels.test",
  params,
  answers: { 200: trial },
  handle: async (context, { params: { channel_id }, caller, signal }) => ({
    status: 200,
    body: await tryChannel(context, caller, channel_id, signal),
  }),
});

const outbox = endpoint({
  method: "get",
  path: "/api/v1/deliveries",
  tag,
  summary: "Messages: those that were sent and those that wait",
  action: "channels.read",
  query: z.strictObject({
    ...paging,
    channel_id: channelId.optional(),
    state: z.enum(["waiting", "delivered", "failed", "dropped"]).optional(),
  }),
  answers: { 200: z.strictObject({ deliveries: z.array(deliveryBody), ...pageFields }) },
  handle: async (context, { query: { channel_id: channel, ...query }, caller }) => {
    const page = await listDeliveries(context, caller.actor, { ...query, channelId: channel });
    return { status: 200, body: { deliveries: page.rows.map(toDelivery), ...pageBody(page) } };
  },
});

export const channelRoutes: readonly Endpoint[] = [list, create, get, change, remove, test, outbox];
