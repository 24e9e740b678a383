const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

const load = async () => (await import("cli-table3")).default;
let library: ReturnType<typeof load> | undefined;

/**
 * Has what draws tables at hand: a dozen files that only people need, so that who takes --json does not wait for them. At
 * the end of a command that took hours they could be another version's, or gone.
 */
export function loadTable(): ReturnType<typeof load> {
  library ??= load();
  return library;
}

/** Columns with a heading, without lines, so that they can be cut and grepped. */
export async function table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  const Table = await loadTable();
  const made = new Table({
    head: [...head],
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
