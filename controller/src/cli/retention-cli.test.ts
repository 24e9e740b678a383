import { expect, it } from "vitest";
import { describeApi, type TestApi } from "../http/test-api.ts";
import { answerRemovals, tenFulls } from "../http/test-retention.ts";
import { seedBackup, seedItem } from "../http/test-seeds.ts";
import { SECOND_PERSON } from "../services/approvals/second-person.ts";
import { followPlans } from "../services/retention/follow.ts";
import { putSetting } from "../store/settings.ts";
import { testCli } from "./test-cli.ts";

const { signal } = new AbortController();

describeApi("holdfast retention", (api) => {
  it("shows what would go and why, has it done, and tells what was decided", async () => {
    const cli = await testCli(api());
    const world = await tenFulls(api());
    const [oldest = ""] = world.old;
    api().connect(world.agentId);
    const preview = await cli.read("retention", "preview", "web");
    expect(preview).toMatch(
      new RegExp(`^${oldest} +0 +main +remove +no rule keeps it: the newest 7; at least 2$`, "m"),
    );
    expect(preview).toMatch(/ keep +one of the newest 7$/m);
    expect(preview).toMatch(/\n3 would be removed, 7 stay\.\nThe host has not said what it keeps by itself/);
    expect(await cli.refusal("retention", "preview", "web-2")).toBe('1 NOT_FOUND: there is no item "web-2"');

    const { plan } = await cli.ask("retention", "apply", "web-1");
    const id = String((plan as { plan_id: string }).plan_id);
    expect(await cli.refusal("retention", "apply", "web-1", "--wait", "1s")).toMatch(/^1 STILL_RUNNING: /);
    await answerRemovals(api(), world.agentId, (ids) => ({ removed: ids, refusal: null }));
    await followPlans(api().context, signal);
    expect(await cli.read("retention", "apply", "web-1", "--wait")).toBe("Nothing is to go.");
    expect(await cli.read("retention", "plans", "--item", "web")).toMatch(/ web-1 +applied +3 +7 +- /);
    const shown = await cli.read("retention", "show", id);
    expect(shown).toMatch(/^state +applied$/m);
    expect(shown.match(/^from main +backup-/gm)).toHaveLength(3);
    expect(await cli.read("retention", "marks", "web-1", "--mark", "keep")).toMatch(/ web-1 +keep .* the newest 7/);
  });

  it("lets a person decide about a plan that waits", async () => {
    const cli = await testCli(api());
    const { agentId } = await tenFulls(api(), 0);
    const waiting = await cli.run("retention", "apply", "web", "--wait");
    expect([waiting.code, waiting.text]).toEqual([
      4,
      expect.stringMatching(/^plan \S+ \(3 to go, 7 stay\): waiting: /),
    ]);
    expect(await cli.read("retention", "preview", "web")).toMatch(/\nA person would have to decide: /);
    const [plan] = await cli.rows("plans", "retention", "plans", "--state", "waiting", "--agent", agentId);
    const id = String(plan?.["plan_id"]);
    await expect(cli.run("retention", "reject", id)).rejects.toThrow("--reason");
    expect(await cli.read("retention", "approve", id, "--reason", "seen")).toMatch(/: approved: seen$/);
    expect(await cli.refusal("retention", "reject", id, "--reason", "no")).toMatch(/^1 CONFLICT: /);
  });
});

describeApi("holdfast hold", (api) => {
  it("keeps a backup or all of an item until it is released", async () => {
    const cli = await testCli(api());
    const world = await tenFulls(api());
    const [oldest = ""] = world.old;
    const one = await cli.ask("hold", "add", oldest, "--reason", "a lawsuit");
    expect(one).toMatchObject({ backup_id: oldest, vm_context_id: "web-1", kind: "legal", until: null });
    expect(await cli.read("retention", "preview", "web")).toMatch(
      /\n2 would be removed, 8 stay\.\nThe host has not said/,
    );
    const promise = ["--kind", "immutable", "--until", "2026-03-01", "--reason", "a promise"];
    expect(await cli.read("hold", "add", "web", ...promise)).toMatch(/^The hold \S+ keeps all of web-1\.$/);
    const listed = await cli.read("hold", "list", "--item", "web");
    expect(listed).toMatch(/ all of web-1 +immutable +2026-03-01 00:00:00Z +- +token:admin +a promise /);
    expect(listed).toMatch(new RegExp(` ${oldest} +legal +it is released +- `));
    const release = ["--reason", "it is over"];
    expect(await cli.read("hold", "release", String(one["hold_id"]), ...release)).toMatch(/ is no longer held by /);
    const open = await cli.rows("holds", "hold", "list", "--open");
    expect(open).toMatchObject([{ kind: "immutable" }]);
    expect(await cli.refusal("hold", "release", String(open[0]?.["hold_id"]), ...release)).toMatch(/^1 PROTECTED: /);
  });
});

/** A removal that waits for a second person; answers the command's id. */
async function removalThatWaits(api: TestApi): Promise<string> {
  await api.store.write((db) => putSetting(db, SECOND_PERSON, ["backup.delete"]));
  const item = await seedItem(api);
  const id = await seedBackup(api, item, 0);
  await seedBackup(api, item, 1, { chainNumber: 2 });
  const asked = await api.call("DELETE", `/api/v1/backup/${id}`);
  return String(asked.body["command_id"]);
}

describeApi("holdfast approval", (api) => {
  it("is another person's, who says yes or no", async () => {
    const [admin, other] = [await testCli(api()), await testCli(api(), await api().key(["read", "delete"]))];
    const id = await removalThatWaits(api());
    expect(await admin.read("approval", "list")).toMatch(
      / backup\.delete +\{"repository_id":"main",.* token:admin .* needed /,
    );
    expect(await admin.refusal("approval", "approve", id)).toMatch(/^1 FORBIDDEN: .*another person/);
    expect(await other.read("approval", "approve", id, "--reason", "seen")).toMatch(
      /^command \S+ \(backup\.delete\): /,
    );
    expect(await admin.read("approval", "list")).toBe("Nothing waits for a second person.");
    expect(await admin.read("approval", "list", "--state", "approved")).toMatch(/ approved \(api-key:\S+\) /);
    expect(await other.refusal("approval", "reject", id, "--reason", "no")).toMatch(/^1 CONFLICT: /);
  });
});
