import { readFileSync } from "node:fs";

/** The controller's own version. */
export function controllerVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
