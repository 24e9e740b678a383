/** Backs one raw disk up into a repository and prints how that ended, as one line of JSON. */
import { readdir } from "node:fs/promises";
import { backupItem } from "../../../agent/src/engines/qcow2/backup.ts";
import { HoldfastError } from "../../../agent/src/errors.ts";
import { initRepository } from "../../../agent/src/repository/marker.ts";

const [path = "", root = "", disk = "", speedLimit = ""] = process.argv.slice(2);
const repository = await initRepository(path, "main");
const spec = { kind: "file" as const, path: disk, format: "raw" as const, write_bitmap: false };
const ended = await backupItem(
  {
    repository,
    item: { vmContextId: "vm-1", vmName: "test vm", disks: [{ diskId: 0, spec }] },
    type: "auto",
    policy: {},
    image: { compression: "none", key: null },
    ...(speedLimit !== "" && { speedLimit: Number(speedLimit) }),
  },
  {
    roots: [root],
    nbdServers: [],
    now: () => new Date(),
    warn: () => undefined,
    onProgress: ({ phase, done }) => {
      if (speedLimit !== "" && done > 0) process.stdout.write(`${phase}\n`);
    },
  },
).catch((error: unknown) => error);
const names = await readdir(path, { recursive: true, withFileTypes: true });
const files = names.filter((entry) => entry.isFile() && !/^\.|^holdfast-repository/.test(entry.name));
const error = ended instanceof HoldfastError ? ended : undefined;
const answer = { code: error?.code ?? "done", message: error?.message, remedy: error?.remedy, files };
process.stdout.write(`${JSON.stringify({ ...answer, files: files.map((entry) => entry.name) })}\n`);
