/** No list of what grows reads a whole table, whatever it is filtered by: SQLite says so itself of each query. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import { choicesOf, openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import { listAudit } from "../audit/list.ts";
import { listBackups } from "../backups/list.ts";
import { listCommands } from "../commands/list.ts";
import type { ServiceContext } from "../context.ts";
import { listDrills } from "../drills/list.ts";
import { listExecutions } from "../executions/list.ts";
import { listVerifications } from "../verifications/list.ts";

const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };
const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const middle = (ids: number) =>
  Buffer.from(JSON.stringify([Date.now(), ...Array.from({ length: ids }, () => "x")])).toString("base64url");

let plans: TestPlans;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans();
  context = { store: plans.store, now: () => new Date() };
});
afterAll(() => plans[Symbol.asyncDispose]());

type Listing = (filters: object, cursor: string | undefined) => Promise<unknown>;
const paged = (cursor: string | undefined) => ({ limit: 100, cursor });
const LISTS: [string, number, object, Listing][] = [
  [
    "executions",
    1,
    { agentId, vmContextId: "vm-1", commandId: agentId, kind: "drill", state: "failed" },
    (filters, cursor) => listExecutions(context, admin, { ...filters, ...paged(cursor) }),
  ],
  [
    "backups",
    2,
    {
      ...{ agentId, vmName: "web", vmContextId: "vm-1", repositoryId: "main", diskId: 0 },
      ...{ status: "failed", backupType: "full", restorePointId: "point" },
    },
    (filters, cursor) => listBackups(context, admin, { ...filters, ...paged(cursor) }),
  ],
  [
    "verifications",
    1,
    { agentId, backupId: "backup-1", status: "failed" },
    (filters, cursor) => listVerifications(context, admin, { ...filters, ...paged(cursor) }),
  ],
  [
    "drills",
    1,
    { agentId, backupId: "backup-1", status: "failed" },
    (filters, cursor) => listDrills(context, admin, { ...filters, ...paged(cursor) }),
  ],
  [
    "commands",
    1,
    { agentId, kind: "backup.start", state: "done" },
    (filters, cursor) => listCommands(context, admin, { ...filters, ...paged(cursor) }),
  ],
];

describe.each(LISTS)("the list of %s", (table, ids, filters, list) => {
  it.each(choicesOf(filters))("by %o is read from an index, from its start and from its middle", async (chosen) => {
    for (const cursor of [undefined, middle(ids)]) {
      const steps = await plans.stepsOf(() => list(chosen, cursor));
      const ofRows = steps.filter((step) => step.includes(` ${table}`));
      expect(ofRows.length).toBeGreaterThan(0);
      expect(ofRows.filter((step) => !step.includes("INDEX"))).toEqual([]);
    }
  });
});

const BY_INDEX: [string, object][] = [
  ["executions_newest", { kind: "backup" }],
  ["executions_newest", { state: "completed" }],
  ["executions_newest", { kind: "backup", state: "completed" }],
  ["executions_kind", { kind: "drill" }],
  ["executions_state", { state: "running" }],
  ["executions_of_agent", { agentId, kind: "backup" }],
  ["executions_of_agent_kind", { agentId, kind: "drill" }],
  ["executions_of_agent_state", { agentId, state: "failed" }],
  ["backups_newest", { status: "completed", backupType: "incremental", diskId: 0 }],
  ["backups_repository", { repositoryId: "main" }],
  ["backups_status", { status: "failed" }],
  ["backups_type", { backupType: "full" }],
  ["backups_disk", { diskId: 1 }],
  ["backups_of_agent", { agentId, status: "completed" }],
];

it.each(BY_INDEX)("%s answers %o, page and total", async (index, filters) => {
  const list = index.startsWith("backups") ? listBackups : listExecutions;
  const cursor = middle(index.startsWith("backups") ? 2 : 1);
  const steps = await plans.stepsOf(() => list(context, admin, { ...filters, ...paged(cursor) }));
  const named = steps.filter((step) => / (executions|backups) USING/.test(step));
  expect(named.map((step) => step.match(/USING (?:COVERING )?INDEX (\w+)/)?.[1])).toEqual([index, index]);
  expect(named[1]).toContain("COVERING");
});

it("totals of backups touch no backup", async () => {
  for (const filters of [{}, { status: "failed" as const }, { repositoryId: "main", backupType: "full" as const }]) {
    const steps = await plans.stepsOf(() => listBackups(context, admin, { ...filters, ...paged(middle(2)) }));
    expect(steps).toContainEqual(expect.stringMatching(/backups USING COVERING INDEX/));
  }
});

it("the audit by actor and by action is read from an index", async () => {
  for (const filters of [{ actor: "token:admin" }, { action: "backups.delete" }])
    expect(await plans.stepsOf(() => listAudit(context, { ...filters, limit: 100 }))).toEqual([
      expect.stringMatching(/^SEARCH audit USING INDEX/),
    ]);
});
