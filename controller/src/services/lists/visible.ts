import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";

/** The agent that a list is about: the one asked for, else the credential's own limit; undefined: all. FORBIDDEN across that limit. */
export function visibleAgent(actor: Actor, asked: string | undefined): string | undefined {
  if (actor.agentId === null || actor.agentId === asked) return asked;
  if (asked === undefined) return actor.agentId;
  throw new ControllerError("FORBIDDEN", { message: "this key is limited to another agent" });
}

/** The only one of several that an id or a name may mean. NOT_FOUND, AMBIGUOUS with the candidates in its details. */
export function onlyOne<Row>(rows: readonly Row[], what: string, nameOf: (row: Row) => string): Row {
  const [first, ...others] = rows;
  if (first === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no ${what}` });
  if (others.length === 0) return first;
  throw new ControllerError("AMBIGUOUS", {
    message: `${what} exists ${rows.length} times: say which one`,
    details: `candidates: ${rows.slice(0, 50).map(nameOf).join(", ")}`,
  });
}
