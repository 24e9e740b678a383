import { chown, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { type FakeAgentOptions, startFakeAgent } from "../../../../../test/helpers/guest-agent.ts";
import { openGuestBench } from "../../../../../test/helpers/guest-bench.ts";
import { killBackup } from "../../../../../test/helpers/guest-kill.ts";
import { healFrozenGuests, whileQuiesced } from "./qmp-quiesce.ts";

async function openAgent(folder: string, options: Omit<FakeAgentOptions, "path"> = {}) {
  const path = join(folder, "agent.sock");
  const agent = await startFakeAgent({ path, ...options });
  return { ...agent, path, [Symbol.asyncDispose]: agent.close };
}

async function quiesce(folder: string, guestAgent: string | undefined, moment: () => void, freezeMs = 5_000) {
  const warnings: string[] = [];
  const warn = (sentence: string): void => void warnings.push(sentence);
  const job = `hf-${process.pid.toString(36)}-0-abcd`;
  const result = await whileQuiesced({ job, folder, guestAgent, warn, freezeMs }, async () => moment()).catch(
    (error: unknown) => error,
  );
  return { result, warnings, left: await readdir(folder) };
}

test("the guest is frozen at the moment of the backup and thawed after it", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  await bench.boot(await bench.makeDisk("disk0", "raw"));
  const { point } = await bench.freezeOne("disk0", { backupId: "b1", guest_agent: agent.path });
  expect(point.consistency).toBe("filesystem-frozen");
  expect(agent.frozen()).toBe(false);
  expect(agent.heard.filter((command) => command.includes("fsfreeze"))).toEqual([
    "guest-fsfreeze-status",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-thaw",
  ]);
  expect(bench.warnings).toEqual([]);
  await point.release("committed");
});

test("an error at the moment of the backup thaws the guest too", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  let frozenThen = false;
  const { result, left } = await quiesce(bench.fleeceFolder, agent.path, () => {
    frozenThen = agent.frozen();
    throw new Error("the moment failed");
  });
  expect(frozenThen).toBe(true);
  expect(result).toEqual(new Error("the moment failed"));
  expect(agent.frozen()).toBe(false);
  expect(left).toEqual([]);
});

test.each([
  ["deaf", /did not answer/],
  ["refuse", /not today/],
  ["stuck", null],
] as const)("a guest agent that is %s hinders no backup", async (mood, warned) => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder, { mood });
  const { result, warnings, left } = await quiesce(bench.fleeceFolder, agent.path, () => undefined);
  expect(result).toBe(warned === null ? "filesystem-frozen" : "crash-consistent");
  if (warned === null) expect(warnings).toEqual([]);
  else expect(warnings).toEqual([expect.stringMatching(warned)]);
  expect(agent.frozen()).toBe(false);
  expect(left).toEqual([]);
});

test("a guest that takes too long to freeze is thawed when it has frozen at last", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder, { freezeTakesMs: 900 });
  const { result, warnings } = await quiesce(bench.fleeceFolder, agent.path, () => undefined, 200);
  expect(result).toBe("crash-consistent");
  expect(warnings).toEqual([expect.stringMatching(/did not answer in time/)]);
  expect(agent.frozen()).toBe(false);
});

test("a moment that does not come in time finds the guest thawed again", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  const warnings: string[] = [];
  const warn = (sentence: string): void => void warnings.push(sentence);
  const where = { job: "hf-1-1-abcd", folder: bench.fleeceFolder, guestAgent: agent.path, warn, momentMs: 100 };
  const result = await whileQuiesced(where, async () => {
    expect(agent.frozen()).toBe(true);
    await vi.waitUntil(() => !agent.frozen(), { timeout: 5_000 });
  });
  expect(result).toBe("crash-consistent");
  expect(warnings).toEqual([expect.stringMatching(/took too long/)]);
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
});

test("no guest agent at the given place is said; none given is silent", async () => {
  await using bench = await openGuestBench();
  const absent = await quiesce(bench.fleeceFolder, join(bench.folder, "absent.sock"), () => undefined);
  expect(absent).toMatchObject({ result: "crash-consistent", warnings: [expect.stringMatching(/absent\.sock/)] });
  expect(await quiesce(bench.fleeceFolder, undefined, () => undefined)).toMatchObject({ warnings: [] });
});

test("kill -9 while the guest is frozen: the guard thaws it at once", async () => {
  await using bench = await openGuestBench();
  const freezing = Promise.withResolvers<void>();
  await using agent = await openAgent(bench.folder, { onFreeze: freezing.resolve, freezeTakesMs: 300 });
  await bench.boot(await bench.makeDisk("disk0", "raw"));
  const request = bench.request("disk0", { backupId: "b1", guest_agent: agent.path });
  await killBackup([bench.folder], [request], freezing.promise);
  expect(agent.frozen()).toBe(true);
  await vi.waitUntil(() => !agent.frozen(), { timeout: 5_000 });
  await vi.waitUntil(async () => !(await readdir(bench.fleeceFolder)).some((name) => name.endsWith(".json")), {
    timeout: 5_000,
  });
});

test("a guest that cannot be guarded is not frozen, and backed up all the same", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  const gone = join(bench.folder, "gone");
  const warnings: string[] = [];
  const where = { job: "hf-1-1-abcd", folder: gone, guestAgent: agent.path };
  const result = await whileQuiesced(
    { ...where, warn: (sentence) => void warnings.push(sentence) },
    async () => undefined,
  );
  expect(result).toBe("crash-consistent");
  expect(warnings).toEqual([expect.stringMatching(/nothing could guard/)]);
  expect(agent.heard).not.toContain("guest-fsfreeze-freeze");
});

test("with the guard killed too, the journal thaws the guest at start-up", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  const dead = join(bench.fleeceFolder, "hf-1zzzz-1-abcd-frozen.json");
  await writeFile(dead, JSON.stringify({ guestAgent: agent.path }));
  expect(await healFrozenGuests(bench.fleeceFolder)).toEqual([expect.stringMatching(/was thawed/)]);
  expect(agent.heard).toContain("guest-fsfreeze-thaw");
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
  expect(await healFrozenGuests(bench.fleeceFolder)).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)("a journal that another user laid down, or a link, thaws nothing", async () => {
  await using bench = await openGuestBench();
  await using agent = await openAgent(bench.folder);
  const foreign = join(bench.fleeceFolder, "hf-1zzzz-1-abcd-frozen.json");
  await writeFile(foreign, JSON.stringify({ guestAgent: agent.path }));
  await chown(foreign, 65_534, 65_534);
  await symlink(foreign, join(bench.fleeceFolder, "hf-1zzzz-1-efgh-frozen.json"));
  expect(await healFrozenGuests(bench.fleeceFolder)).toEqual([]);
  expect(agent.heard).not.toContain("guest-fsfreeze-thaw");
});
