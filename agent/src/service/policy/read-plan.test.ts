import { describe, expect, it } from "vitest";
import { asHoldfastError } from "../../errors.ts";
import { planOf } from "../schedule/test-scheduler.ts";
import { readPlan } from "./read-plan.ts";

const PROTECTED = new Set(["a", "b"]);

describe("a plan of the policy", () => {
  const read = (given: object, planned = new Set<string>()): string => {
    try {
      return readPlan(given, PROTECTED, planned).items.join(" ");
    } catch (error) {
      return asHoldfastError(error, "reading").code;
    }
  };
  const zoned = (zone: string): object => {
    const plan = planOf(["a"]);
    const { backup } = plan.tasks;
    return { ...plan, tasks: { ...plan.tasks, backup: { ...backup, schedule: { ...backup.schedule, zone } } } };
  };

  it.each([
    ["names items that this host protects, each once", planOf(["b", "gone", "a", "b"]), "b a"],
    ["may name none", planOf(["gone"]), ""],
    ["has a schedule that never comes", planOf(["a"], "0 3 30 2 *"), "BAD_REQUEST"],
    ["has a schedule of six parts", planOf(["a"], "0 0 3 * * *"), "BAD_REQUEST"],
    ["has a zone that this host does not know", zoned("Middle/Earth"), "BAD_REQUEST"],
    ["has a zone that was not decided", zoned("local"), "BAD_REQUEST"],
    ["is of a newer controller", { ...planOf(["a"]), engine: { spin: 1 } }, "BAD_REQUEST"],
  ])("%s", (_what, given, result) => expect(read(given)).toBe(result));

  it("an item is run by one plan alone, and the one that came first has it", () => {
    const planned = new Set<string>();
    expect([["a"], ["a", "b"], ["b"]].map((items) => read(planOf(items), planned))).toEqual(["a", "CONFLICT", "b"]);
  });
});
