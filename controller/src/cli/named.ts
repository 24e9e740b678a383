/** Policies, routes, channels and the like by what people call them. */
import { uuid } from "@holdfast/protocol";
import type { Client, Query } from "./client.ts";
import { Failure } from "./failure.ts";
import { everyPage } from "./listing.ts";

export type Kind<Row extends { name: string }> = {
  path: string;
  field: string;
  id: (row: Row) => string;
  /** As in "there is no policy". */
  what: string;
  /** The command that lists them. */
  command: string;
  /** Which of them can be meant by a name. */
  query?: Query;
};

/** By its id or its name. NOT_FOUND, AMBIGUOUS. */
export async function idOf<Row extends { name: string }>(
  client: Client,
  { path, field, id, what, command, query = {} }: Kind<Row>,
  named: string,
): Promise<string> {
  if (uuid.safeParse(named).success) return named;
  const { rows } = await everyPage<Row>(client, { path, field }, query);
  const byId = rows.filter((row) => id(row) === named);
  const found = byId.length > 0 ? byId : rows.filter(({ name }) => name === named);
  const [first, ...more] = found;
  if (first !== undefined && more.length === 0) return id(first);
  if (first === undefined)
    throw new Failure("NOT_FOUND", {
      message: `there is no ${what} ${JSON.stringify(named)}`,
      remedy: `\`${command}\` shows them.`,
    });
  throw new Failure("AMBIGUOUS", {
    message: `${what} ${JSON.stringify(named)}: there are several`,
    remedy: "Give the id of one of them.",
    details: found.map(id).join("\n"),
  });
}
