import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "./program.ts";

/** `policy create`, `jobs`: everything that does something by itself. */
function leavesOf(command: Command, names: string[] = []): string[] {
  if (command.commands.length === 0) return [names.join(" ")];
  return command.commands.flatMap((one) => leavesOf(one, [...names, one.name()]));
}

const leaves = leavesOf(buildProgram(() => undefined));

describe("the manual", async () => {
  const text = await readFile(resolve(import.meta.dirname, "../../../docs/cli.md"), "utf8");
  const rows = text
    .slice(text.indexOf("\n# `holdfast`\n"))
    .split("\n")
    .filter((line) => line.startsWith("| `"));

  it.each(leaves)("has %s", (leaf) => {
    const found = rows.filter((row) => {
      const words = row.split(/[^a-z-]+/);
      return leaf.split(" ").every((word) => words.includes(word));
    });
    expect(found).not.toEqual([]);
  });

  it("has no table of commands that are not there", () => {
    const named = rows.flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(/`([a-z][a-z-]*)(?= [a-z]|`)/g)]);
    const known = new Set(leaves.map((leaf) => leaf.split(" ")[0]));
    expect(named.map(([, group]) => group).filter((group) => !known.has(group))).toEqual([]);
  });
});
