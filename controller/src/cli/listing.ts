/** Lists: one page, or with `--all` every page, as a table for people and as the API's own document for programs. */
import type { Answer } from "./answer.ts";
import { type Client, type Query, withClient } from "./client.ts";
import type { Globals } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { parseCount } from "./format.ts";
import { table } from "./table.ts";

export type PageOptions = Globals & { all?: boolean; limit?: string };
export type Column<Row> = readonly [head: string, cell: (row: Row) => string];
export type ListSpec<Row> = {
  path: string;
  /** The field of the answer that holds the rows. */
  field: string;
  columns: readonly Column<Row>[];
  /** What is said when there is none. */
  none: string;
};

export type Page<Row> = { rows: Row[]; total: number; isExact: boolean; next: string | null };
type PageBody = { total?: number; total_exact?: boolean; next_cursor: string | null } & Record<string, unknown>;

const MOST = 1000;

/** `query`: may ask the client first, for the id of what was named. */
export async function list<Row>(
  options: PageOptions,
  spec: ListSpec<Row>,
  query: (client: Client) => Query | Promise<Query>,
): Promise<Answer> {
  return await withClient(options, async (client) => {
    const wanted = await query(client);
    const page: Page<Row> =
      options.all === true ? await everyPage(client, spec, wanted) : await onePage(client, spec, wanted, options);
    const { rows, total, isExact, next } = page;
    return {
      document: { [spec.field]: rows, total, total_exact: isExact, next_cursor: next },
      text: () => listText(spec, page),
      exitCode: EXIT.ok,
    };
  });
}

async function onePage<Row>(
  client: Client,
  spec: Pick<ListSpec<Row>, "path" | "field">,
  query: Query,
  { limit }: PageOptions,
): Promise<Page<Row>> {
  const asked = limit === undefined ? {} : { limit: parseCount(limit, "--limit", [1, MOST]) };
  return await readPage<Row>(client, spec, { ...query, ...asked });
}

/** Every row, page by page. */
export async function everyPage<Row>(
  client: Client,
  spec: Pick<ListSpec<Row>, "path" | "field">,
  query: Query,
): Promise<Page<Row>> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await readPage<Row>(client, spec, { ...query, limit: MOST, cursor });
    rows.push(...page.rows);
    if (page.next === null) return { rows, total: rows.length, isExact: true, next: null };
    cursor = page.next;
  }
}

async function readPage<Row>(
  client: Client,
  { path, field }: Pick<ListSpec<Row>, "path" | "field">,
  query: Query,
): Promise<Page<Row>> {
  const body = await client.call<PageBody>("GET", path, { query });
  const rows = body[field] as Row[];
  return { rows, total: body.total ?? rows.length, isExact: body.total_exact ?? false, next: body.next_cursor };
}

function listText<Row>({ columns, none }: ListSpec<Row>, { rows, total, isExact, next }: Page<Row>): string {
  if (rows.length === 0) return none;
  const made = table(
    columns.map(([head]) => head),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  );
  if (next === null) return made;
  return `${made}\n${rows.length} of ${isExact ? "" : "more than "}${total}; --all shows all.`;
}
