import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BindablePolicy, bindings } from "./bind.ts";
import { policyOf } from "./test-policies.ts";

/**
 * `P3:@1 a/x #site=west =db` is the policy P of priority 3, made on day 1, that names the item x of host a and selects
 * VMs named db on hosts labelled so; `#` alone selects everything, `@a` hosts by id.
 */
function policy(text: string): BindablePolicy {
  const [head = "", ...words] = text.split(" ");
  const [, policyId = "", priority, day] = /^(\w)(\d+):@(\d+)$/.exec(head) ?? [];
  const named = words.filter((word) => /^\w\/\w+$/.test(word)).map((word) => word.split("/"));
  const labels = words.filter((word) => word.startsWith("#") && word !== "#").map((word) => word.slice(1).split("="));
  const of = (sign: string) => words.filter((word) => word.startsWith(sign)).map((word) => word.slice(1));
  const isSelecting = words.some((word) => /^[#=@]/.test(word));
  const selector = {
    labels: Object.fromEntries(labels),
    ...(of("@").length > 0 ? { agent_ids: of("@") } : {}),
    ...(of("=").length > 0 ? { vm_names: of("=") } : {}),
  };
  const items = named.map(([agent_id = "", vm_context_id = ""]) => ({ agent_id, vm_context_id }));
  const body = { ...policyOf(), items, selector: isSelecting ? selector : null };
  return { policyId, priority: Number(priority), createdAt: new Date(Number(day) * 86_400_000), body };
}

/** `a#site=west,os=linux`: a host with its labels. */
function host(text: string) {
  const [agentId = "", labels = ""] = text.split("#");
  return { agentId, labels: Object.fromEntries(labels === "" ? [] : labels.split(",").map((one) => one.split("="))) };
}

/** `a/x=db`: an item of a host, with the VM's name (else as the item). */
function item(text: string) {
  const [, agentId = "", vmContextId = "", vmName] = /^(\w)\/(\w+)(?:=(\w+))?$/.exec(text) ?? [];
  return { agentId, vmContextId, vmName: vmName ?? vmContextId };
}

/** `a/x:P!` when the policy names it, without the mark when it selects it. */
function bind(policies: string[], hosts: string[], items: string[]): string[] {
  const found = bindings(policies.map(policy), hosts.map(host), items.map(item));
  return found.map(({ agentId, vmContextId, policyId, boundBy }) => {
    return `${agentId}/${vmContextId}:${policyId}${boundBy === "explicit" ? "!" : ""}`;
  });
}

describe("which policy an item has", () => {
  it.each<[string, string[], string[], string[], string[]]>([
    ["none without policies", [], ["a"], ["a/x"], []],
    ["the one that names it", ["P1:@1 a/x"], ["a", "b"], ["a/x", "b/x", "a/y"], ["a/x:P!"]],
    ["the one that selects all", ["P1:@1 #"], ["a", "b"], ["a/x", "b/y"], ["a/x:P", "b/y:P"]],
    ["none without a selector and without items", ["P1:@1"], ["a"], ["a/x"], []],
    ["naming goes before selecting", ["P9:@1 #", "Q0:@2 a/x"], ["a"], ["a/x", "a/y"], ["a/x:Q!", "a/y:P"]],
    ["the higher priority", ["P1:@1 #", "Q2:@2 #"], ["a"], ["a/x"], ["a/x:Q"]],
    ["the higher priority among those that name it", ["P1:@1 a/x", "Q2:@2 a/x"], ["a"], ["a/x"], ["a/x:Q!"]],
    ["the older one", ["P1:@2 #", "Q1:@1 #"], ["a"], ["a/x"], ["a/x:Q"]],
    ["the smaller id of two of one moment", ["Q1:@1 #", "P1:@1 #"], ["a"], ["a/x"], ["a/x:P"]],
    ["by label", ["P1:@1 #site=west"], ["a#site=west", "b#site=east", "c"], ["a/x", "b/x", "c/x"], ["a/x:P"]],
    ["by all labels", ["P1:@1 #s=w #o=l"], ["a#s=w,o=l,z=z", "b#s=w"], ["a/x", "b/x"], ["a/x:P"]],
    ["by host", ["P1:@1 @b"], ["a", "b"], ["a/x", "b/x"], ["b/x:P"]],
    ["by VM", ["P1:@1 # =db"], ["a", "b"], ["a/x=db", "b/y=db", "a/db=web"], ["a/x:P", "b/y:P"]],
    ["by label and VM", ["P1:@1 #s=w =db"], ["a#s=w", "b"], ["a/x=db", "a/y=web", "b/z=db"], ["a/x:P"]],
    ["the next one when the first does not fit", ["P9:@1 # =db", "Q1:@2 #"], ["a"], ["a/x=web"], ["a/x:Q"]],
    ["none on a host that is not there", ["P1:@1 # z/x"], ["a"], ["z/x"], []],
  ])("%s", (_what, policies, hosts, items, expected) => {
    expect(bind(policies, hosts, items)).toEqual(expected);
  });

  it("is one at most, never a worse one than any that fits, in whatever order they are asked", () => {
    const letter = fc.constantFrom("P", "Q", "R", "S");
    const words = fc.subarray(["a/x", "b/y", "#", "#s=w", "=x", "@a"]);
    const policies = fc.uniqueArray(
      fc.tuple(letter, fc.nat(2), fc.nat(2), words).map(([id, priority, day, some]) => {
        return `${id}${priority}:@${day} ${some.join(" ")}`.trim();
      }),
      { selector: (text) => text[0], maxLength: 4 },
    );
    const hosts = ["a#s=w", "b"];
    const items = ["a/x", "a/y", "b/x", "b/y"];
    fc.assert(
      fc.property(policies, fc.nat(), (some, turn) => {
        const found = bind(some, hosts, items);
        expect(new Set(found.map((text) => text.split(":")[0])).size).toBe(found.length);
        const turned = [...some.slice(turn % 4), ...some.slice(0, turn % 4)].reverse();
        expect(bind(turned, hosts, items)).toEqual(found);
        // Alone, each policy shows what fits it: the chosen one is among them, and none of them is better.
        const alone = new Map(some.map((text) => [text, bind([text], hosts, items)]));
        for (const at of items) {
          const fitting = some.filter((text) => alone.get(text)?.some((one) => one.startsWith(`${at}:`)));
          const chosen = found.find((one) => one.startsWith(`${at}:`));
          expect(chosen === undefined).toBe(fitting.length === 0);
          const best = fitting.map((text) => rank(text, alone.get(text) ?? [], at)).sort()[0];
          if (chosen !== undefined) expect(best?.slice(-1)).toBe(chosen.split(":")[1]?.[0]);
        }
      }),
    );
  });
});

/** Sorts the better first: by name, by priority, by age, by id. */
function rank(text: string, alone: readonly string[], at: string): string {
  const { priority, createdAt, policyId } = policy(text);
  const isNamed = alone.some((one) => one.startsWith(`${at}:`) && one.endsWith("!"));
  return `${isNamed ? 0 : 1} ${9 - priority} ${createdAt.toISOString()} ${policyId}`;
}
