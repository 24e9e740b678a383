import { z } from "@hono/zod-openapi";
import { invalidFields } from "../../services/lists/invalid-fields.ts";
import { visibleAgent } from "../../services/lists/visible.ts";
import { agentInQuery, numberInQuery } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { eventStream } from "../event-stream.ts";

const MAX_CURSOR = 999_999_999_999_999;

export const eventsRoute: Endpoint = endpoint({
  method: "get",
  path: "/api/v1/events",
  tag: "events",
  summary: "What happens, as it happens (server-sent events)",
  description:
    "Each event's `id` is a cursor: `Last-Event-ID` or `cursor` replays everything after it, in order and without " +
    "holes. Progress and presence have no id; they are told once. A reader that is too slow is cut off, and goes on " +
    "from its last id.",
  action: "events.read",
  query: z.strictObject({ agent_id: agentInQuery, cursor: numberInQuery(0, MAX_CURSOR).optional() }),
  answers: {},
  streams: "text/event-stream",
  handle: async (context, { query, caller, header, signal, cut, isStillAllowed }) => {
    const last = header("last-event-id");
    if (last !== undefined && !/^\d{1,15}$/.test(last))
      throw invalidFields([{ path: "Last-Event-ID", message: "is no cursor of ours" }]);
    const agentId = visibleAgent(caller.actor, query.agent_id) ?? null;
    // A browser that comes back by itself sends the header and the old address: the header is newer.
    const after = last === undefined ? (query.cursor ?? null) : Number(last);
    const reader = { after, agentId, signal, cut, isStillAllowed };
    return { status: 200, stream: eventStream(context, reader), contentType: "text/event-stream" };
  },
});
