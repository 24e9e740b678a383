/** Rows that are loaded together, changed in memory and written together. */
export type RowSet<Row> = {
  get(key: string): Row | undefined;
  put(row: Row): void;
  all(): Iterable<Row>;
  /** What has to be written. */
  changed(): Row[];
};

export function rowSet<Row>(keyOf: (row: Row) => string, loaded: readonly Row[]): RowSet<Row> {
  const rows = new Map(loaded.map((row) => [keyOf(row), row]));
  const touched = new Set<string>();
  return {
    get: (key) => rows.get(key),
    put(row) {
      const key = keyOf(row);
      rows.set(key, row);
      touched.add(key);
    },
    all: () => rows.values(),
    changed: () => [...touched].flatMap((key) => rows.get(key) ?? []),
  };
}
