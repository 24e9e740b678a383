/** The engine saying no: what has to hold around every refusal. */
import type { SourceSpec } from "@holdfast/protocol";
import { expect } from "vitest";
import type { HoldfastError } from "../../agent/src/errors.ts";
import { runProgram } from "./disks.ts";
import { type Bench, inventory, only, refusal } from "./engine.ts";

/**
 * A backup of a bad source between good ones of `disk.raw`: the repository must not notice it. Resolves with the error;
 * everything else in the folder of disks is gone then.
 */
export async function refusedBetweenGoodOnes(
  bench: Bench,
  spec: () => Promise<SourceSpec>,
  check: () => Promise<void> = async () => undefined,
): Promise<HoldfastError> {
  const before = await inventory(bench.repository);
  const error = await refusal(bench.backup({ disks: [await spec()] }));
  expect(await inventory(bench.repository)).toEqual(before);
  expect(error.remedy ?? "").not.toBe("");
  await check();
  expect(only(await bench.backup()).backup_type).toBe("incremental");
  await runProgram("find", bench.disks, "-mindepth", "1", "!", "-name", "disk.raw", "-delete");
  return error;
}
