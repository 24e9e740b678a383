/** Retention with a real controller and a real host: what a policy no longer wants goes from the disk, and nothing else. */
import { access } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";

describe("the retention of a real host", () => {
  let host: ServiceTestHost;
  let agentId: string;
  beforeAll(async () => {
    host = await makeServiceHost();
    agentId = await host.enroll();
    host.start();
    await host.known();
  });
  afterAll(() => host.remove());

  async function made(backup_type: string): Promise<{ id: string; path: string }> {
    const backup = await host.backupIs(await host.startBackup({ backup_type }), ["completed", "failed"]);
    expect(backup).toMatchObject({ status: "completed", backup_type });
    return { id: String(backup["backup_id"]), path: String(backup["file_path"]) };
  }
  const isThere = async ({ path }: { path: string }) =>
    await access(path).then(
      () => true,
      () => false,
    );

  it("takes the older of two chains, tip first, after a person has looked, and leaves the newer one whole", async () => {
    const backups = [await made("full"), await made("incremental"), await made("full"), await made("incremental")];
    const [full, tip, ...newer] = backups;
    const item = await host.known();
    const retention = { keep_last: 1, min_points: 1 };
    const policy = { name: "short", selector: { agent_ids: [agentId] }, retention };
    const which = { agent_id: agentId, vm_context_id: item["vm_context_id"] };
    const preview = await host.call("POST", "/api/v1/retention/preview", { ...which, policy });
    expect(preview.body).toMatchObject({
      removes: 2,
      keeps: 2,
      items: [{ summary: { keep: 1, merge: 1, remove: 2 }, host_floor: { min_points: 1, min_age_days: 0 } }],
    });
    expect((await host.call("POST", "/api/v1/policies", policy)).status).toBe(201);
    await host.call("POST", "/api/v1/retention/apply", which);
    // The controller looks by itself too, and may have been first: there is one plan all the same.
    const plans = await host.until("/api/v1/retention/plans", ({ plans: all }) =>
      (all as Json[]).length > 0 ? (all as Json[]) : undefined,
    );
    expect(plans).toMatchObject([{ removals: [{ backup_ids: [tip?.id, full?.id] }] }]);
    const [plan = {}] = plans;
    const applied = await host.until(`/api/v1/retention/plans/${plan["plan_id"]}`, (one) =>
      ["applied", "failed"].includes(String(one["state"])) ? one : undefined,
    );
    expect(applied).toMatchObject({ state: "applied", left_ids: [], error: null });
    expect(await Promise.all(backups.map(isThere))).toEqual([false, false, true, true]);
    const marks = await host.until("/api/v1/retention/marks", ({ marks: all }) =>
      (all as Json[]).length === 2 ? (all as Json[]) : undefined,
    );
    expect(marks.map(({ backup_id, mark }) => `${backup_id} ${mark}`).toSorted()).toEqual(
      [`${newer[0]?.id} merge`, `${newer[1]?.id} keep`].toSorted(),
    );
    const verify = await host.call("POST", `/api/v1/backup/${newer[1]?.id}/validate`);
    expect(await host.commandEnd(verify.body["command_id"])).toMatchObject({ state: "done" });
  });
});
