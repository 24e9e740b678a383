/** Looking around in real repositories: the lists of what is there. */
import { cp, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { idOf } from "../../../test/helpers/hand-made-backups.ts";
import { sidecarPath } from "../repository/layout.ts";
import { makeTellingHost, now, type TellingHost } from "../runner/telling/test-telling-host.ts";
import { lookAround } from "./facts.ts";
import type { ServiceHost } from "./service-host.ts";

const WHOLE = { after: null, through: null };

describe("lists of what is there", () => {
  let t: TellingHost;
  let root: string;
  beforeEach(async () => {
    t = await makeTellingHost();
    root = t.made.repository.path;
  });
  afterEach(() => t.remove());

  /** The lists that looking around adds, in short. */
  const lists = async (): Promise<unknown[]> => {
    const repositories = [{ repository_id: t.made.repository.repositoryId, path: root }];
    const host = { spool: t.spool, teller: t.teller, log: () => undefined, protected: () => ({ repositories }), now };
    await lookAround(host as unknown as ServiceHost, new AbortController().signal);
    return t.news().flatMap(({ kind, body }) => {
      if (kind === "items_listed") return [body["vm_context_ids"]];
      return kind === "backups_listed" ? [{ [String(body["vm_context_id"])]: body["backup_ids"] }] : [];
    });
  };
  const owe = (): void => t.spool.facts.owe("controller-behind");

  it("are told of each item and of the repository, once for each debt", async () => {
    const before = now().toISOString();
    expect(await lists()).toEqual([{ "vm-1": [idOf(0), idOf(1)] }, ["vm-1"]]);
    expect(await lists()).toEqual([]);
    owe();
    expect(await lists()).toEqual([{ "vm-1": [idOf(0), idOf(1)] }, ["vm-1"]]);
    const bodies = t.spool.pending(0, 1000, 1e9).events.map(({ body }) => body);
    const listed = bodies.filter((body) => body["range"] !== undefined);
    expect(listed.map(({ range }) => range)).toEqual([WHOLE, WHOLE, WHOLE, WHOLE]);
    for (const { at } of listed) expect(String(at) >= before && String(at) <= now().toISOString()).toBe(true);
  });

  it("name a backup whose sidecar is damaged, and none whose sidecar is gone", async () => {
    await writeFile(sidecarPath(t.made.folder, idOf(1)), "{");
    expect(await lists()).toEqual([{ "vm-1": [idOf(0), idOf(1)] }, ["vm-1"]]);
    await rm(sidecarPath(t.made.folder, idOf(1)));
    owe();
    expect(await lists()).toEqual([{ "vm-1": [idOf(0)] }, ["vm-1"]]);
  });

  it("are empty of an item and of a repository of which nothing is left", async () => {
    await lists();
    await rm(join(root, "vm-1"), { recursive: true });
    owe();
    expect(await lists()).toEqual([{ "vm-1": [] }, ["vm-1"]]);
    owe();
    expect(await lists()).toEqual([[]]);
  });

  it("are not told while the repository is away or an item's folder is only a link", async () => {
    await rename(root, `${root}-mounted`);
    await mkdir(root);
    expect(await lists()).toEqual([]);
    await rm(root, { recursive: true });
    await rename(`${root}-mounted`, root);
    await cp(join(root, "vm-1"), `${root}-elsewhere`, { recursive: true });
    await rm(join(root, "vm-1", "disk-0"), { recursive: true });
    await symlink(join(`${root}-elsewhere`, "disk-0"), join(root, "vm-1", "disk-0"));
    expect(await lists()).toEqual([["vm-1"]]);
  });
});
