import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { run } from "../exec.ts";
import { startStorageDaemon } from "./daemon.ts";
import { asJsonFilename, chainNode } from "./graph.ts";

const tool = (name: string, ...args: string[]) => run(name, args, { timeoutMs: 20_000 });

describe("a chain as an explicit graph", () => {
  it("is read as its images say, wherever the names in their headers lead", async () => {
    await using folder = await scratchFolder();
    const odd = join(folder.path, 'odd, "names" = json:{}');
    await mkdir(odd);
    const paths = ["full", "first", "second"].map((name) => join(odd, `${name}:x.qcow2`));
    for (const [index, path] of paths.entries()) {
      const json = asJsonFilename(chainNode("", [{ path }]));
      await tool("qemu-img", "create", "-q", "-f", "qcow2", path, "1M");
      const writable = json.replaceAll('"read-only":true', '"read-only":false');
      await tool("qemu-io", "-c", `write -P ${index + 1} ${index * 64}k 64k`, writable);
    }
    // Names that lead nowhere must not matter.
    for (const path of paths.slice(1))
      await tool("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", "/nowhere/at-all", "-F", "qcow2", path);
    const node = chainNode(
      "point",
      paths.map((path) => ({ path })),
    );
    const raw = join(folder.path, "raw");
    await tool("qemu-img", "convert", "-O", "raw", asJsonFilename(node), raw);
    await using file = await open(raw, "r");
    const bytes = await file.readFile();
    expect([0, 1, 2, 3].map((block) => bytes[block * 65_536])).toEqual([1, 2, 3, 0]);
    await using daemon = await startStorageDaemon();
    await daemon.addNode(node);
    await expect(daemon.addNode({ ...node, driver: "qcow2" })).rejects.toMatchObject({ code: "QMP_FAILED" });
  });
});
