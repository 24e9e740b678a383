/** What holds for each endpoint alike, of all that there are: a new one is asked too. */
import { expect, it } from "vitest";
import { SCOPE_OF } from "../domain/access.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { describeApi, type TestApi } from "./test-api.ts";
import type { Call } from "./test-client.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";
const IDS: Readonly<Record<string, string>> = {
  agent_id: NOBODY,
  policy_id: NOBODY,
  window_id: NOBODY,
  alert_id: NOBODY,
  silence_id: NOBODY,
  schedule_id: NOBODY,
  route_id: NOBODY,
  command_id: NOBODY,
  plan_id: NOBODY,
  hold_id: NOBODY,
  backup_id: "backup-web-000000-disk0-20260101-000000",
  run_id: "run-20260101-000000-backup-00000000",
  job_id: "77",
  id: "77",
};
/** Bodies without a mistake, of the endpoints with an id in their address. */
const BODIES: Readonly<Record<string, object>> = {
  "put /api/v1/items/{vm_context_id}": {
    vm_name: "web",
    repository_id: "main",
    disks: [{ disk_id: 0, source: { kind: "file", path: "/x", format: "raw" } }],
  },
  "post /api/v1/alerts/{alert_id}/notes": { text: "seen" },
  "post /api/v1/alerts/{alert_id}/resolve": { reason: "seen" },
  "put /api/v1/channels/{channel_id}": { name: "chat", kind: "slack", secret: { url: "https://chat.example.org/x" } },
  "put /api/v1/report-schedules/{schedule_id}": { name: "weekly", channel_ids: ["log"] },
  "put /api/v1/routes/{route_id}": { name: "all", channel_ids: ["log"] },
  "put /api/v1/policies/{policy_id}": { name: "nightly", version: 1 },
  "put /api/v1/repositories/{repository_id}": { kind: "local", path: "/x" },
  "put /api/v1/repositories/{agent_id}/{repository_id}/traits": {
    ...{ media: "tape", off_site: true, offline: true, immutable: false },
  },
  "post /api/v1/compliance/aomei/{id}/what-if": { changes: [] },
  "post /api/v1/compliance/{agent_id}/{vm_context_id}/what-if": { changes: [] },
  "post /api/v1/commands/{command_id}/reject": { reason: "no" },
  "post /api/v1/retention/plans/{plan_id}/approve": { reason: "yes" },
  "post /api/v1/retention/plans/{plan_id}/reject": { reason: "no" },
  "post /api/v1/holds/{hold_id}/release": { reason: "over" },
  "post /api/v1/aomei/jobs/{id}/link": { task_job_id: 78 },
  "post /api/v1/backup/{backup_id}/pin": { reason: "audit" },
};

/** A newer agent may say more, and scripts of old say what they like. */
const isTolerant = ({ path, credential }: Endpoint) =>
  credential === "api-key" || /^\/api\/v1\/enrolment(?:\/renew)?$/.test(path);

/** Without those that only say that they come later. */
const NOW = ENDPOINTS.filter(({ hidden }) => hidden !== true);

const named = (endpoint: Endpoint) => `${endpoint.method} ${endpoint.path}`;
const addressOf = ({ path }: Endpoint) =>
  path.replace(/\{(.+?)\}/g, (_all, id: string) => IDS[id] ?? "Abcdefghijklmnop");

describeApi("every endpoint", (api) => {
  async function ask(endpoint: Endpoint, address: string, call: Call = {}) {
    const as = endpoint.action === null ? null : await keyFor(api(), endpoint.action);
    return await api().call(endpoint.method.toUpperCase(), address, { as, ...call });
  }
  const fieldsOf = (body: Record<string, unknown>) =>
    (Array.isArray(body["fields"]) ? body["fields"] : []).map(({ path }: { path: string }) => path);

  it("names a parameter that it does not know", async () => {
    for (const endpoint of NOW) {
      const { status, body } = await ask(endpoint, `${addressOf(endpoint)}?odd=1`);
      expect([named(endpoint), status, fieldsOf(body)]).toEqual([
        named(endpoint),
        400,
        expect.arrayContaining(["odd"]),
      ]);
    }
  });

  it("names a field of its body that it does not know, and takes no other type and no large body", async () => {
    for (const endpoint of NOW.filter(({ method }) => method !== "get")) {
      const at = addressOf(endpoint);
      const odd = await ask(endpoint, at, { body: { odd: 1 } });
      const wrong = isTolerant(endpoint) ? [] : ["odd"];
      expect([named(endpoint), odd.status, fieldsOf(odd.body)]).toEqual([
        named(endpoint),
        400,
        expect.arrayContaining(wrong),
      ]);
      if (endpoint.body === undefined) continue;
      const headers = { "content-type": "text/csv" };
      const typed = await ask(endpoint, at, { raw: "a,b", headers });
      expect([named(endpoint), typed.status]).toEqual([named(endpoint), 415]);
      const large = await ask(endpoint, at, { raw: "{", headers: { "content-length": "1073741824" } });
      expect([named(endpoint), large.status, large.body["code"]]).toEqual([named(endpoint), 413, "BODY_TOO_LARGE"]);
    }
  });

  it("says of an id that nobody has that there is none", async () => {
    for (const endpoint of NOW.filter(({ params }) => params !== undefined)) {
      const body = BODIES[named(endpoint)];
      const reply = await ask(endpoint, addressOf(endpoint), body === undefined ? {} : { body });
      expect([named(endpoint), reply.status, reply.body["error"]]).toEqual([named(endpoint), 404, expect.any(String)]);
    }
  });
});

const keys = new WeakMap<TestApi, Map<string, string>>();

async function keyFor(api: TestApi, action: keyof typeof SCOPE_OF): Promise<string> {
  const known = keys.get(api) ?? new Map<string, string>();
  keys.set(api, known);
  const scope = SCOPE_OF[action];
  const key = known.get(scope) ?? (await api.key([scope]));
  known.set(scope, key);
  return key;
}
