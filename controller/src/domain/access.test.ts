import { describe, expect, it } from "vitest";
import {
  type Action,
  type Actor,
  actorName,
  mayDo,
  maySeeAgent,
  SCOPE_OF,
  SCOPES,
  type Scope,
  scopesRefusal,
} from "./access.ts";

const actor = (scopes: Scope[], agentId: string | null = null): Actor => ({
  kind: "api-key",
  id: "k",
  scopes,
  agentId,
});
const actions = Object.keys(SCOPE_OF) as Action[];

describe("scopes", () => {
  it("admin may do everything, nobody may do nothing", () => {
    expect(actions.filter((action) => !mayDo(actor(["admin"]), action))).toEqual([]);
    expect(actions.filter((action) => mayDo(actor([]), action))).toEqual([]);
  });

  it.each(SCOPES.filter((scope) => scope !== "admin"))("%s allows what needs it and nothing else", (scope) => {
    expect(actions.filter((action) => mayDo(actor([scope]), action))).toEqual(
      actions.filter((action) => SCOPE_OF[action] === scope),
    );
  });

  it("nothing that changes is allowed by read", () => {
    expect(actions.filter((action) => SCOPE_OF[action] === "read" && !action.endsWith(".read"))).toEqual([]);
  });
});

it("a limited key sees its own agent only, and cannot have what reaches further", () => {
  expect(maySeeAgent(actor(["read"], "a"), "a")).toBe(true);
  expect(maySeeAgent(actor(["read"], "a"), "b")).toBe(false);
  expect(maySeeAgent(actor(["read"]), "b")).toBe(true);
  expect(scopesRefusal(["read", "admin"], "a")).toContain("'admin'");
  expect(scopesRefusal(["enrol"], "a")).toContain("'enrol'");
  expect(scopesRefusal(["read", "operate", "delete", "configure"], "a")).toBeNull();
  expect(scopesRefusal(["admin"], null)).toBeNull();
});

it("an actor is named by its kind and id", () => {
  expect(actorName(actor([]))).toBe("api-key:k");
  expect(actorName({ kind: "anonymous", id: "-", scopes: [], agentId: null })).toBe("anonymous");
});
