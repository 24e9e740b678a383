/** What a controller has a host protect, at the host's own command line. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostPolicy } from "@holdfast/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initRepository } from "../repository/marker.ts";
import { openSpool } from "../spool/spool.ts";
import { makeDisk, makeTestHost, type TestHost } from "./test-cli.ts";

describe("items and repositories of the controller", () => {
  let host: TestHost;
  let fleet: string;
  let settings: object;
  const item = (id: string, disk: string, repository_id: string) => {
    const source = { kind: "file", path: join(host.folder, disk), format: "raw" };
    return { vm_context_id: id, vm_name: `${id}-name`, repository_id, disks: [{ source }] };
  };
  beforeAll(async () => {
    host = await makeTestHost();
    fleet = join(host.folder, "fleet", "one");
    settings = {
      roots: [join(host.folder, "disks")],
      repository_roots: [join(host.folder, "fleet")],
      repositories: [{ repository_id: "own", path: join(host.folder, "own") }],
      items: [item("mine", "disks/mine.raw", "own")],
      floor: { min_points: 1, min_age_days: 0 },
    };
    await host.configure(settings);
    await mkdir(join(host.folder, "disks"));
    for (const name of ["mine", "theirs"]) await makeDisk(join(host.folder, "disks", `${name}.raw`), 1, 1);
    await initRepository(join(host.folder, "own"), "own");
    await initRepository(fleet, "fleet-1");
    const state = join(host.folder, "state");
    // It was enrolled once, whatever has become of its key.
    await mkdir(join(state, "identity"), { recursive: true });
    await writeFile(join(state, "identity", "identity.json"), "{}", { mode: 0o600 });
    const spool = openSpool(state);
    const repositories = [
      { repository_id: "fleet-1", path: fleet },
      { repository_id: "away", path: join(host.folder, "away") },
    ];
    const items = [item("theirs", "disks/theirs.raw", "fleet-1"), item("other", "elsewhere.raw", "own")];
    spool.policy.put(hostPolicy.parse({ version: 7, issued_at: new Date().toISOString(), repositories, items }));
    spool.close();
  });
  afterAll(() => host[Symbol.asyncDispose]());

  it("are backed up, proven and listed as the host's own are, by id, by name and all together", async () => {
    const backup = await host.json("backup", "theirs");
    expect(backup).toMatchObject({ code: 0, document: { backups: [{ repository_id: "fleet-1" }] } });
    const { document } = await host.json("run");
    expect(document).toMatchObject({
      items: [
        { vm_context_id: "mine", origin: "host", error: null },
        { vm_context_id: "theirs", origin: "controller", error: null, disks: [{ drill: { status: "passed" } }] },
      ],
    });
    for (const command of ["verify", "drill"]) expect((await host.json(command, "theirs-name")).code, command).toBe(0);
    for (const place of ["fleet-1", fleet]) {
      const listed = await host.json("repository", "list", place);
      expect(listed).toMatchObject({ code: 0, document: { repositories: [{ repository_id: "fleet-1" }] } });
    }
    const checked = await host.json("repository", "check");
    expect(checked).toMatchObject({
      code: 0,
      document: { repositories: [{ origin: "host" }, { origin: "controller", backups: 2, findings: [] }] },
    });
    expect((await host.cli("repository", "list")).stdout).toContain(`${fleet} (defined by the controller)`);
  });

  it("stand in status with who defined them, and with what the host refuses", async () => {
    const { document } = await host.json("status");
    expect(document).toMatchObject({
      items: [
        { vm_context_id: "mine", origin: "host" },
        { vm_context_id: "theirs", origin: "controller" },
      ],
      policy: {
        version: 7,
        refused: [
          { subject: "repository away", error: { code: "REPOSITORY_NOT_ALLOWED" } },
          { subject: "item other", error: { code: "SOURCE_NOT_ALLOWED" } },
        ],
      },
    });
    const { stdout } = await host.cli("status");
    expect(stdout).toMatch(/theirs-name +0 +controller/);
    expect(stdout).toContain("Not carried out for the controller: item other: ");
  });

  it("are left out, with a warning, while nobody can read the policy", async () => {
    await host.configure({ ...settings, state_dir: join(host.folder, "other") });
    await mkdir(join(host.folder, "other", "identity"), { recursive: true });
    await writeFile(join(host.folder, "other", "identity", "identity.json"), "{}", { mode: 0o600 });
    await mkdir(join(host.folder, "other", "spool.db"));
    const listed = await host.json("repository", "list");
    const { repositories, warnings } = listed.document as { repositories: unknown[]; warnings: string[] };
    expect([listed.code, repositories.length]).toEqual([0, 1]);
    expect(warnings).toEqual([expect.stringContaining("what the controller has this host protect is not known here")]);
  });
});
