/** A script that reports to the AOMEI endpoints, for tests. */
import { expect } from "vitest";
import { createApiKey } from "../services/api-keys/create.ts";
import { type TestApi, testCaller } from "./test-api.ts";
import type { Json, Reply } from "./test-client.ts";

export type Script = {
  key: string;
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  register: (task_name?: string, more?: object) => Promise<number>;
  status: (body: object, headers?: Record<string, string>) => Promise<Reply>;
};

type KeyFacts = { agentId?: string | null; zone?: string | null };

/** With a key of its own, which it shows in `X-API-Key`. */
export async function newScript(api: TestApi, { agentId = null, zone = null }: KeyFacts = {}): Promise<Script> {
  const input = { name: "script", scopes: ["report"] as const, agentId, networks: [], zone, expiresAt: null };
  return scriptWith(api, (await createApiKey(api.context, testCaller, input)).text);
}

export function scriptWith(api: TestApi, key: string): Script {
  const post: Script["post"] = (path, body, headers = {}) =>
    api.call("POST", `/api/v1/aomei${path}`, { as: null, body, headers: { "x-api-key": key, ...headers } });
  return {
    key,
    post,
    register: async (task_name = "System", more = {}) => {
      const reply = await post("/register", { task_name, ...more });
      expect([reply.status, reply.body["success"]]).toEqual([200, true]);
      return (reply.body["data"] as { job_id: number }).job_id;
    },
    status: (body, headers) => post("/status", body, headers),
  };
}

/** A job as the API tells of it. */
export async function jobOf(api: TestApi, jobId: number): Promise<Json> {
  const reply = await api.get(`/api/v1/aomei/jobs/${jobId}`);
  expect(reply.status).toBe(200);
  return reply.body["data"] as Json;
}

/** A job's runs, newest first. */
export async function runsOf(api: TestApi, jobId: number): Promise<Json[]> {
  const { body } = await api.get("/api/v1/aomei/jobs?include_executions=true&active_only=false");
  const jobs = body["data"] as { id: number; executions: Json[] }[];
  return jobs.find(({ id }) => id === jobId)?.executions ?? [];
}

export function fieldsOf({ body }: Reply): string[] {
  return ((body["fields"] ?? []) as { path: string }[]).map(({ path }) => path);
}
