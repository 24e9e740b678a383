/** Talks to the controller: HTTPS, its certificate checked against the root that is known, one answer a call. */
import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { type Connection, decideConnection, type Globals } from "./connection.ts";
import { Failure } from "./failure.ts";
import { connectionFailure, refusal } from "./refusals.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
export type Call = { query?: Query; body?: object; headers?: Record<string, string> };
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type Client = {
  url: URL;
  /** The answer's JSON. Failure with the controller's own code, or UNREACHABLE, FOREIGN_CERTIFICATE, TOKEN_NEEDED. */
  call: <Answer>(method: Method, path: string, call?: Call) => Promise<Answer>;
  /** An answer that goes on; it ends with the signal. */
  stream: (
    path: string,
    options: { query: Query; headers: Record<string, string>; signal: AbortSignal },
  ) => Promise<IncomingMessage>;
};

const SILENCE_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Works with a client whose connections are closed in the end. */
export async function withClient<T>(globals: Globals, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await decideConnection(globals);
  const agent = new Agent({ keepAlive: true });
  try {
    return await work(clientOf(connection, agent));
  } finally {
    agent.destroy();
  }
}

function clientOf(connection: Connection, agent: Agent): Client {
  const { url, ca } = connection;
  const trust = ca === null ? {} : { ca, servername: CONTROLLER_NAME };
  const open = async (method: Method, path: string, { query, body, headers }: Call, signal?: AbortSignal) => {
    const address = new URL(path, url);
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) address.searchParams.set(name, String(value));
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      ...trust,
      ...{ agent, method, timeout: SILENCE_MS },
      ...(signal === undefined ? {} : { signal }),
      headers: {
        authorization: `Bearer ${await connection.credential()}`,
        accept: "application/json",
        ...(text === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        ...headers,
      },
    };
    try {
      return await send(address, options, text);
    } catch (error) {
      throw signal?.aborted === true ? error : connectionFailure(error, connection);
    }
  };
  return {
    url,
    async call<Answer>(method: Method, path: string, call: Call = {}) {
      const response = await open(method, path, call);
      return answerOf(response, await readText(response, connection), connection) as Answer;
    },
    async stream(path, { query, headers, signal }) {
      const response = await open("GET", path, { query, headers: { accept: "text/event-stream", ...headers } }, signal);
      if (response.statusCode === 200) return response;
      throw refusal(response, await readText(response, connection), connection);
    },
  };
}

function send(address: URL, options: RequestOptions, text: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(address, options, resolve);
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
    asked.on("error", reject);
    asked.end(text);
  });
}

async function readText(response: IncomingMessage, connection: Connection): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
      pieces.push(piece);
    }
  } catch (error) {
    throw connectionFailure(error, connection);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function answerOf(response: IncomingMessage, text: string, connection: Connection): unknown {
  const status = response.statusCode ?? 0;
  if (status < 200 || status >= 300) throw refusal(response, text, connection);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Failure("BAD_ANSWER", {
      message: `${connection.url.origin} does not answer as a controller does`,
      remedy: "Look whether --url names the controller itself.",
      cause,
    });
  }
}
