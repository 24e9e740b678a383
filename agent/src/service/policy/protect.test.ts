import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostPolicy } from "@holdfast/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configFile } from "../../config/schema.ts";
import { readMarker } from "../../repository/marker.ts";
import { openSpool } from "../../spool/spool.ts";
import { makeRepositoryOnce } from "./make-repository.ts";
import { protect } from "./protect.ts";

describe("what a controller adds", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-policy-"));
    for (const name of ["disks", "fleet", "elsewhere"]) await mkdir(join(folder, name));
    await symlink(join(folder, "elsewhere"), join(folder, "fleet", "link"));
    await symlink(join(folder, "elsewhere"), join(folder, "disks", "link"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const file = (...parts: string[]) => ({ kind: "file", path: join(folder, ...parts), format: "raw" });
  const item = (id: string, source: object, more: object = {}) => {
    return { vm_context_id: id, vm_name: id, repository_id: "own", disks: [{ source }], ...more };
  };
  const config = () => ({
    ...configFile.parse({
      roots: [join(folder, "disks")],
      nbd_servers: ["storage:10809"],
      repository_roots: [join(folder, "fleet")],
      repositories: [{ repository_id: "own", path: join(folder, "own") }],
      items: [item("mine", file("disks", "mine.raw"))],
    }),
    ...{ file: null, state_dir: folder, scratch_dir: folder },
  });
  const policy = (repositories: object[], items: object[]) =>
    hostPolicy.parse({ version: 3, issued_at: "2026-05-01T10:00:00.000Z", repositories, items });
  const decide = async (repositories: object[], items: object[]) => {
    const made: string[] = [];
    const { refused, ...rest } = await protect(config(), policy(repositories, items), async (entry) => {
      made.push(entry.repository_id);
    });
    return { ...rest, made, refused: refused.map(({ subject, error }) => `${subject}: ${error.code}`) };
  };

  it("applies inside the host's own limits, beside what the host has", async () => {
    const fleet = { repository_id: "fleet", path: join(folder, "fleet", "deep", "one") };
    const found = await decide(
      [fleet],
      [
        item("a", file("disks", "not-there-yet.raw"), { repository_id: "fleet" }),
        item("b", { kind: "nbd", uri: "nbd://storage:10809/b" }),
        item("c", { kind: "nbd", uri: `nbd+unix:///?socket=${join(folder, "disks", "c.sock")}` }),
      ],
    );
    expect(found).toMatchObject({ refused: [], made: ["fleet"], policyVersion: 3 });
    expect(found.repositories.map(({ repository_id, origin }) => [repository_id, origin])).toEqual([
      ["own", "host"],
      ["fleet", "controller"],
    ]);
    expect(found.items.map(({ vm_context_id, origin }) => [vm_context_id, origin])).toEqual([
      ["mine", "host"],
      ["a", "controller"],
      ["b", "controller"],
      ["c", "controller"],
    ]);
  });

  it("is refused entry by entry where the host does not allow it, links followed", async () => {
    const at = (id: string, ...parts: string[]) => ({ repository_id: id, path: join(folder, ...parts) });
    const repositories = [
      at("outside", "elsewhere"),
      at("by-link", "fleet", "link", "x"),
      at("climbs", "fleet", "..", "x"),
      at("beside", "fleet2"),
      { ...at("own", "fleet", "own") },
      { ...at("same-path", "own") },
      { ...at("newer", "fleet", "newer"), tape_library: true },
    ];
    const items = [
      item("outside", { kind: "block", path: "/dev/sda" }),
      item("by-link", file("disks", "link", "x.raw")),
      item("server", { kind: "nbd", uri: "nbd://elsewhere:10809/x" }),
      item("socket", { kind: "qmp", socket: "/run/vm.qmp", device: "d" }),
      item("nowhere", file("disks", "x.raw"), { repository_id: "outside" }),
      item("mine", file("disks", "x.raw")),
      item("name", file("disks", "x.raw"), { vm_name: "mine" }),
      item("kind", { kind: "tape", path: join(folder, "disks") }),
    ];
    const found = await decide(repositories, items);
    expect(found.made).toEqual([]);
    expect(found.refused).toEqual([
      "repository outside: REPOSITORY_NOT_ALLOWED",
      "repository by-link: REPOSITORY_NOT_ALLOWED",
      "repository climbs: REPOSITORY_NOT_ALLOWED",
      "repository beside: REPOSITORY_NOT_ALLOWED",
      "repository own: CONFLICT",
      "repository same-path: CONFLICT",
      "repository newer: BAD_REQUEST",
      "item outside: SOURCE_NOT_ALLOWED",
      "item by-link: SOURCE_NOT_ALLOWED",
      "item server: SOURCE_NOT_ALLOWED",
      "item socket: SOURCE_NOT_ALLOWED",
      "item nowhere: NOT_FOUND",
      "item mine: CONFLICT",
      "item name: CONFLICT",
      "item kind: BAD_REQUEST",
    ]);
    expect(found.items).toHaveLength(1);
  });

  it("is made a repository once: one that is away is not made a second time in its place", async () => {
    const entry = {
      repository_id: "fleet",
      path: join(folder, "fleet", "one"),
      kind: "nfs",
      encryption: false,
    } as const;
    const spool = openSpool(join(folder, "state"));
    await makeRepositoryOnce(spool, entry);
    await makeRepositoryOnce(spool, entry);
    await rm(entry.path, { recursive: true });
    await mkdir(entry.path);
    await makeRepositoryOnce(spool, entry);
    expect(await readMarker(entry.path)).toBeUndefined();
    await mkdir(join(folder, "fleet", "taken", "of somebody"), { recursive: true });
    const taken = makeRepositoryOnce(spool, { ...entry, path: join(folder, "fleet", "taken") });
    await expect(taken).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
    spool.close();
  });
});
