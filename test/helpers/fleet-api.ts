/** Calls of the controller's API by an admin who tries again while the controller is away. */
import { request } from "node:https";
import { CONTROLLER_NAME } from "../../protocol/src/index.ts";
import { pause } from "./fleet-process.ts";

export type ApiAnswer = { status: number; body: Record<string, unknown> };
export type FleetApi = {
  root: string;
  token: string;
  /** Tries again until there is an answer that a controller in good order gives. */
  call: (method: string, path: string, body?: object, key?: string) => Promise<ApiAnswer>;
};

const RETRY_MS = 50;
const CALL_MS = 5000;

export function fleetApi(at: { port: number; root: string; token: string }): FleetApi {
  return {
    ...{ root: at.root, token: at.token },
    call: async (method, path, body, key) => {
      for (;;) {
        const answer = await callOnce(at, { method, path, body, key }).catch(() => undefined);
        if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
        await pause(answer === undefined ? RETRY_MS : 500);
      }
    },
  };
}

type Asked = { method: string; path: string; body: object | undefined; key: string | undefined };

function callOnce(at: { port: number; root: string; token: string }, asked: Asked): Promise<ApiAnswer> {
  const { method, path, body, key } = asked;
  const content = body === undefined ? "" : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${at.token}`,
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  const where = { host: "127.0.0.1", port: at.port, ca: at.root, servername: CONTROLLER_NAME, agent: false } as const;
  return new Promise((resolve, reject) => {
    const call = request({ ...where, method, path, headers, signal: AbortSignal.timeout(CALL_MS) }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
        } catch (cause) {
          reject(new Error(`no JSON: ${text.slice(0, 200)}`, { cause }));
        }
      });
    });
    call.once("error", reject);
    call.end(content);
  });
}

/** A new one-time token. */
export async function newToken({ call }: FleetApi, lifetimeSeconds: number | null = null): Promise<string> {
  const { status, body } = await call("POST", "/api/v1/enrolment-tokens", { lifetime_seconds: lifetimeSeconds });
  if (status !== 201) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
  return String(body["token"]);
}
