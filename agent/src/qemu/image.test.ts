import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { run } from "../exec.ts";
import { startStorageDaemon } from "./daemon.ts";
import { fileNode } from "./graph.ts";
import { addBitmapIn, imageInfo } from "./image.ts";

test("a storage daemon adds a bitmap to an image at rest, lets go of it, and leaves one in use alone", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.qcow2");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", path, "8M"], { timeoutMs: 20_000 });
  await using daemon = await startStorageDaemon();
  await using vm = await startStorageDaemon();
  await vm.addNode({ driver: "qcow2", "node-name": "disk", file: fileNode(path) });
  await expect(addBitmapIn(daemon, path, "tracker")).rejects.toMatchObject({ code: "SOURCE_LOCKED" });
  await vm.removeNode("disk");
  await addBitmapIn(daemon, path, "tracker");
  // Once more is refused by QEMU, and nothing of it stays open either.
  await expect(addBitmapIn(daemon, path, "tracker")).rejects.toMatchObject({ code: "QMP_FAILED" });
  await vm.addNode({ driver: "qcow2", "node-name": "disk", file: fileNode(path) });
  await vm.removeNode("disk");
  const { bitmaps } = await imageInfo(path, "qcow2");
  expect(bitmaps).toEqual([{ name: "tracker", granularity: 65_536, flags: ["auto"] }]);
});
