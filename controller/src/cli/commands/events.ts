import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { agentQuery } from "../agents.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import { Failure } from "../failure.ts";
import { parseCount, plainText, timeText } from "../format.ts";

export type FollowOptions = Globals & { agent?: string; after?: string; count?: string };
type FeedEvent = {
  kind: string;
  agent_id: string;
  at: string;
  subject: string | null;
  body: Record<string, unknown>;
  problem: string | null;
};
type Told = { cursor: number | null; event: FeedEvent };

const MAX_CURSOR = 999_999_999_999_999;
const RETRY_MS = 2000;

/**
 * `holdfast events follow`: one line an event, with `--json` one document a line, until `--count` or Ctrl-C. When the
 * connection ends it goes on from the last event that it saw, without a hole.
 */
export async function followEvents(options: FollowOptions): Promise<void> {
  const most = options.count === undefined ? Number.POSITIVE_INFINITY : parseCount(options.count, "--count", [1, 1e9]);
  let cursor = options.after === undefined ? undefined : parseCount(options.after, "--after", [0, MAX_CURSOR]);
  let seen = 0;
  await withClient(options, async (client) => {
    const agent = await agentQuery(client, options.agent);
    for (let isFirst = true; seen < most; isFirst = false) {
      for await (const told of eventsFrom(client, { ...agent, cursor }, isFirst)) {
        process.stdout.write(`${options.json === true ? jsonLine(told) : textLine(told)}\n`);
        cursor = told.cursor ?? cursor;
        seen += 1;
        if (seen >= most) break;
      }
    }
  });
}

type FeedQuery = { agent_id?: string; cursor: number | undefined };

/** Until the connection ends; only the first one must succeed. */
async function* eventsFrom(
  client: Client,
  query: FeedQuery,
  mustSucceed: boolean,
): AsyncGenerator<Told, void, undefined> {
  const over = new AbortController();
  try {
    const response = await client.stream("/api/v1/events", { query, headers: {}, signal: over.signal });
    yield* eventsOf(response);
  } catch (error) {
    const isAway = error instanceof Failure && ["UNREACHABLE", "UNAVAILABLE"].includes(error.code);
    if (error instanceof Failure && (mustSucceed || !isAway)) throw error;
  } finally {
    over.abort();
  }
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<Told, void, undefined> {
  let id: number | null = null;
  for await (const line of createInterface({ input: response })) {
    if (line.startsWith("id: ")) id = Number(line.slice(4));
    if (line === "") id = null;
    if (line.startsWith("data: ")) yield { cursor: id, event: JSON.parse(line.slice(6)) as FeedEvent };
  }
}

function jsonLine({ cursor, event }: Told): string {
  return JSON.stringify({ cursor, ...event });
}

function textLine({ event: { at, kind, agent_id, subject, problem } }: Told): string {
  const words = [timeText(at), plainText(kind), agent_id, plainText(subject)];
  return `${words.join("  ")}${problem === null ? "" : `  (${plainText(problem)})`}`;
}
