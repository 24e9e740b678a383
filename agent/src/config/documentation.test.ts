import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { itemEntry, repositoryEntry } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { parseConfig } from "./parse.ts";
import { configFile } from "./schema.ts";

const page = await readFile(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");

describe("docs/configuration.md", () => {
  it("shows an example that is valid", () => {
    const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    expect(parseConfig(example, "the example").items).toHaveLength(2);
  });

  it.each([...Object.keys(configFile.shape), ...Object.keys(itemEntry.shape), ...Object.keys(repositoryEntry.shape)])(
    "describes %s",
    (setting) => {
      expect(page).toMatch(new RegExp(`\`${setting}[\`.[]`));
    },
  );
});
