import { expect, it } from "vitest";
import { openSpool } from "./spool.ts";
import { result, testFolder } from "./test-events.ts";
import type { Intent } from "./told.ts";

const intent: Intent = {
  intent_id: "run-1",
  process: { pid: 1, started: null },
  repository_id: "main",
  path: "/backup",
  vm_context_id: "web",
  reason: null,
  run: null,
};
const told = (subject: string, state = "{}") => ({ subject, generation: 1, state });

it("what was told, its events and the intent behind it are one transaction", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  spool.record({ intend: [intent], events: [result("begun")] });
  const bad = { kind: "log", body: { level: "info", code: "lower case", message: "", at: "never" } } as const;
  expect(() => spool.record({ tell: [told("a")], settle: ["run-1"], events: [result("made"), bad] })).toThrow();
  expect([spool.intents(), spool.facts.told(""), spool.counts().waiting]).toEqual([[intent], [], 1]);
  spool.record({ tell: [told("a")], settle: ["run-1"], events: [result("made")] });
  spool.close();
  const again = openSpool(folder.path, { thorough: true });
  expect([again.intents(), again.facts.told(""), again.counts().waiting]).toEqual([[], [told("a")], 2]);
  again.close();
});

it("answers for a prefix what was last told, until it is forgotten", () => {
  using folder = testFolder();
  const spool = openSpool(folder.path);
  spool.record({ tell: [told("x/b"), told("x/a"), told("y/a"), told("x")] });
  spool.record({ tell: [told("x/b", "[1]")], forget: ["x/a"] });
  expect(spool.facts.told("x/")).toEqual([told("x/b", "[1]")]);
  const before = spool.facts.generation();
  spool.facts.owe("controller-behind");
  expect(spool.facts.generation()).toBe(before + 1);
  spool.facts.settle(before + 1);
  expect(spool.facts.generation()).toBe(before + 1);
  spool.close();
});
