import { sealSidecar } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { linkChains } from "./chains.ts";
import { sidecarName } from "./layout.ts";
import { bodyOf, idOf } from "./test-notation.ts";

test("parents that lead in a circle, or disagree with their children, are found", () => {
  const full = sealSidecar(bodyOf(1, undefined));
  const a = sealSidecar({ ...bodyOf(2, full), parent_backup_id: idOf(3) });
  const b = sealSidecar({ ...bodyOf(3, full), parent_backup_id: idOf(2) });
  const c = sealSidecar({ ...bodyOf(4, full), total_bytes: 7, chain_position: 5 });
  const { chains, unplaced, findings } = linkChains([c, b, a, full]);
  expect(chains.map((chain) => chain.backups.map((one) => one.backup_id))).toEqual([[idOf(1), idOf(4)]]);
  expect(unplaced).toHaveLength(2);
  expect(findings.map((one) => one.code).sort()).toEqual([
    "CHAIN_INCONSISTENT",
    "CHAIN_INCONSISTENT",
    "CHAIN_INCONSISTENT",
    "CHAIN_LOOPS",
    "CHAIN_LOOPS",
  ]);
});

test("whatever parents there are: every sidecar is in a chain or named as lost, and every chain is a line", () => {
  const links = fc.array(fc.option(fc.nat(15), { nil: undefined }), { maxLength: 14 });
  fc.assert(
    fc.property(links, (parents) => {
      const full = sealSidecar(bodyOf(99, undefined));
      const sidecars = parents.map((parent, n) =>
        sealSidecar(
          parent === undefined ? bodyOf(n, undefined) : { ...bodyOf(n, full), parent_backup_id: idOf(parent) },
        ),
      );
      const { chains, unplaced, findings } = linkChains(sidecars);
      const placed = new Set(chains.flatMap((chain) => chain.backups.map((one) => one.backup_id)));
      for (const { backups } of chains)
        backups.forEach((one, at) => {
          expect(one.parent_backup_id).toBe(backups[at - 1]?.backup_id ?? null);
        });
      for (const { backup_id } of sidecars) {
        const lost = unplaced.some((one) => one.backup_id === backup_id);
        expect(placed.has(backup_id)).toBe(!lost);
        expect(
          findings.some((one) => one.file === sidecarName(backup_id) && one.code !== "CHAIN_INCONSISTENT") || !lost,
        ).toBe(true);
      }
      expect(chains.filter((chain) => !chain.closed).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});
