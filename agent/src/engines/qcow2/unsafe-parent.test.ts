import { copyFile, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { flipBit, forgeImage } from "../../../../test/helpers/damage-backups.ts";
import {
  copyBackups,
  type HandMade,
  idOf,
  makeBackups,
  run,
  TEST_KEYS,
} from "../../../../test/helpers/hand-made-backups.ts";
import { encloseInLuks } from "../../../../test/helpers/luks-container.ts";
import { sampled } from "../../../../test/helpers/sample.ts";
import { mapPath } from "../../repository/layout.ts";
import type { EngineKey } from "../engine.ts";
import { backupItem } from "./backup.ts";

const SIZE = 1024 * 1024;
const LONG_AGO_MS = 1000;
const recoveryPassphrase = Buffer.from("of the recovery");
const KEY: EngineKey = { ...TEST_KEYS, keyId: "key-1", recoveryKeyId: "recovery-1", recoveryPassphrase };

/** What stands in the header of an image that leads QEMU to another file, and the words of its refusal. */
type Trap = { name: string; why: RegExp; options: (secret: string) => string[] };
const DATA_FILE: Trap = {
  name: "an external data file",
  why: /keeps its data in another file/,
  options: (secret) => ["-o", `data_file=${secret},data_file_raw=on`],
};
const BACKING_FILE: Trap = {
  name: "a foreign backing file",
  why: /its backing file is ".*secret.raw" instead of/,
  options: (secret) => ["-b", secret, "-F", "raw"],
};
const PARENT = { place: "parent", index: 1 };
const ANCESTOR = { place: "full under the parent", index: 0 };

let made: HandMade;
afterEach(() => made.remove());

const secretOf = ({ root }: HandMade): string => join(root, "secret.raw");

/** Puts an image with the trap in the place of a backup's, with descriptions made to fit. */
async function plant(index: number, trap: Trap, inContainer: boolean): Promise<void> {
  const image = made.pathOf(index);
  const secret = secretOf(made);
  const bare = inContainer ? `${secret}.qcow2` : image;
  await rm(image);
  await writeFile(secret, "");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", ...trap.options(secret), bare, String(SIZE)]);
  await writeFile(secret, Buffer.alloc(SIZE, "secret"));
  if (inContainer) await encloseInLuks(TEST_KEYS.passphrase, bare, image);
  await forgeImage(made, index);
  // Older than its last change, so that "relatime" records the next reading.
  await utimes(secret, LONG_AGO_MS / 1000, 1_000_000);
}

async function expectUnread(): Promise<void> {
  const secret = secretOf(made);
  expect((await stat(secret)).atimeMs).toBe(LONG_AGO_MS);
  await readFile(secret);
  expect((await stat(secret)).atimeMs, "this file system does not tell when a file was read").not.toBe(LONG_AGO_MS);
}

/** An increment of a disk of which one block changed. */
async function increment(key: EngineKey | null): Promise<Sidecar | undefined> {
  const path = join(made.root, "source.raw");
  await copyFile(made.rawOf(1), path);
  await flipBit(path, 5 * 65_536);
  const spec = { kind: "file", path, format: "raw", write_bitmap: false } as const;
  const item = { vmContextId: "vm-1", vmName: "vm", disks: [{ diskId: 0, spec }] };
  const image = { compression: "none", key } as const;
  const { backups } = await backupItem(
    { repository: made.repository, item, type: "incremental", policy: {}, image },
    { roots: [made.root], nbdServers: [], now: () => new Date(), warn: () => undefined },
  );
  return backups[0];
}

/** As long as it was, so that it counts as there. */
const rotMap = (): Promise<void> => flipBit(mapPath(made.folder, idOf(1)), 70);
const aFull = (why: RegExp) => ({ backup_type: "full", reason: expect.stringMatching(why) });

type Case = typeof PARENT & { trap: Trap /** No LUKS container round it, though its sidecar says so. */; bare?: true };
const PLAIN: Case[] = [PARENT, ANCESTOR].flatMap((at) => [DATA_FILE, BACKING_FILE].map((trap) => ({ ...at, trap })));
/** Each makes a container with two keys, for which QEMU measures for three seconds of a processor. */
const ENCRYPTED: Case[] = [
  ...sampled([], [{ ...PARENT, trap: DATA_FILE }]),
  { ...ANCESTOR, trap: BACKING_FILE },
  { place: "bare parent", index: 1, trap: DATA_FILE, bare: true },
];

describe.for([
  { chain: "a plain chain", key: null, cases: PLAIN },
  { chain: "an encrypted chain", key: KEY, cases: ENCRYPTED },
])("in $chain whose newest hash map rotted", ({ key, cases }) => {
  let template: HandMade;
  beforeAll(async () => {
    const writes = [["write -P 5 0 64k"], ["write -P 6 64k 64k"]];
    template = await makeBackups({ diskSize: SIZE, encrypted: key !== null, writes });
  });
  afterAll(() => template.remove());

  it("the chain is read again for an increment when it is sound", async () => {
    made = await copyBackups(template);
    await rotMap();
    expect(await increment(key)).toMatchObject({
      backup_type: "incremental",
      parent_backup_id: idOf(1),
      change_detection: { method: "compare", reason: expect.stringMatching(/its content was read again/) },
      bytes_transferred: 65_536,
    });
  });

  it.for(cases)("a $place with $trap.name is never opened, and a full is made", async ({ index, trap, bare }) => {
    made = await copyBackups(template);
    await plant(index, trap, key !== null && bare !== true);
    await rotMap();
    expect(await increment(key)).toMatchObject(aFull(bare ? /not a LUKS container/ : trap.why));
    await expectUnread();
  });
});

it.for([DATA_FILE, BACKING_FILE])("a parent with $name is not opened when its hash map is gone", async (trap) => {
  made = await makeBackups({ diskSize: SIZE, writes: [["write -P 5 0 64k"], ["write -P 6 64k 64k"]] });
  await plant(1, trap, false);
  await rm(mapPath(made.folder, idOf(1)));
  expect(await increment(null)).toMatchObject(aFull(/missing or cut off/));
  await expectUnread();
});

it.for([DATA_FILE, BACKING_FILE])("a parent with $name is not opened when its hash map is whole", async (trap) => {
  made = await makeBackups({ diskSize: SIZE, writes: [["write -P 5 0 64k"], ["write -P 6 64k 64k"]] });
  await plant(1, trap, false);
  expect(await increment(null)).toMatchObject({ change_detection: { method: "hash-map" } });
  await expectUnread();
});
