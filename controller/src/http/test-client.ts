/** One HTTPS call of a test, with the controller's root as the only one that is trusted. */
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";

export type Json = Record<string, unknown>;
export type Reply = { status: number; body: Json; headers: IncomingHttpHeaders; text: string };
/** `as`: a credential; null: none. Without it the admin's token. `raw`: a body that is sent as it is. */
export type Call = { as?: string | null; body?: unknown; raw?: string; headers?: Record<string, string> };

type Sending = { port: number; ca: string; method: string; path: string; admin: string; how: Call };

export function send({ port, ca, method, path, admin, how }: Sending): Promise<Reply> {
  const text = how.raw ?? (how.body === undefined ? undefined : JSON.stringify(how.body));
  const credential = how.as === undefined ? admin : how.as;
  const headers = {
    ...(text === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
    ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
    ...how.headers,
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, ca, method, path, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body, body: parse(body) });
      });
    });
    asked.on("error", reject);
    asked.end(text);
  });
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
