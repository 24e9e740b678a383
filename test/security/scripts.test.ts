import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../helpers/run-tool.ts";

const { scripts } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/**
 * A shell remembers where it found `node` the first time: on a fresh machine that is the old one, and it still is after
 * setup brought the new one. So `node` by its bare name may run the setup and nothing else.
 */
test.each(Object.entries(scripts))("npm run %s uses the machine's own node for the setup only", (_name, script) => {
  const commands = script.split("&&").map((command) => command.trim());
  const bare = commands.filter((command) => command.startsWith("node "));
  expect(bare).toHaveLength(1);
  expect(bare[0]).toMatch(/^node setup\.mjs( --\w+)?$/);
});
