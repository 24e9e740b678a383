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

/** Columns with a heading, without lines, so that they can be cut and grepped. */
export async function table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  // A dozen files that only people need: who takes --json does not wait for them.
  const { default: Table } = await import("cli-table3");
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
