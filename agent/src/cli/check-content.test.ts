import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkAnyFlippedBit } from "../../../test/helpers/damage-backups.ts";
import {
  type HandMade,
  type HandMadeOptions,
  makeBackups,
  TEST_KEYS,
} from "../../../test/helpers/hand-made-backups.ts";
import { mapPath } from "../repository/layout.ts";
import { contentChecker } from "./check-content.ts";
import type { Host } from "./host.ts";

const MIB = 2 ** 20;
/** Blocks that later backups write over, discard, or write as they were, so that no later point shows what is below. */
const WRITES = [
  ["write -P 1 0 512k", "write -P 2 1M 256k"],
  ["write -P 3 64k 128k", "write -z 1M 64k"],
  ["write -P 4 128k 128k", "write -P 1 0 64k"],
  ["write -P 5 0 1536k"],
];

async function checked(made: HandMade, keys: HandMadeOptions["encrypted"]) {
  const read = new Map<string, number>();
  const progress = { update: (what: string, done: number) => void read.set(what, done), clear: () => undefined };
  const host = { signal: new AbortController().signal, progress } as unknown as Host;
  const content = contentChecker(host, keys === true ? TEST_KEYS : null);
  const disk = await made.read();
  const found = [...disk.findings];
  for (const backup of disk.chains[0]?.backups ?? []) found.push(...(await content.check(disk, backup)));
  return { found, unproven: content.unproven, blocksRead: [...read.values()].map((bytes) => bytes / 65_536) };
}

describe.each<[string, Partial<HandMadeOptions>, number]>([
  ["plain", {}, 25],
  ["compressed", { compressed: true }, 8],
  ["encrypted", { encrypted: true }, 8],
])("the content of a chain (%s)", (_name, options, numRuns) => {
  let made: HandMade;
  beforeAll(async () => {
    made = await makeBackups({ diskSize: 2 * MIB + 4096, writes: WRITES, ...options });
  });
  afterAll(() => made.remove());

  it("is found as it was, and every flipped bit is found, also where no newer point shows it", async () => {
    // What each adds; the newest as a whole.
    const blocksRead = [12, 2, 3, 24];
    expect(await checked(made, options.encrypted)).toEqual({ found: [], unproven: [], blocksRead });
    const points = WRITES.map((_, at) => at);
    const files = points.flatMap((at) => [made.pathOf(at), mapPath(made.folder, made.sidecars[at]?.backup_id ?? "")]);
    await checkAnyFlippedBit(files, numRuns, async (place) => {
      const { found } = await checked(made, options.encrypted);
      expect(found, place).not.toEqual([]);
    });
  });
});
