/** docs/openapi.json is made from the endpoints' own declarations; here is whether it still says what they say. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ENDPOINTS } from "../../controller/src/http/endpoints.ts";
import { openApiDocument } from "../../controller/src/http/open-api.ts";
import { projectRoot } from "./run-tool.ts";

const PATH = "docs/openapi.json";

function documentText(): string {
  return `${JSON.stringify(openApiDocument(ENDPOINTS), null, 2)}\n`;
}

export async function writeApiDocument(): Promise<void> {
  await writeFile(join(projectRoot, PATH), documentText());
}

/** As a tool's outcome: code 0 when the file is what the endpoints say. */
export async function checkApiDocument(): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = await readFile(join(projectRoot, PATH), "utf8").catch(() => "");
  const isCurrent = written === documentText();
  const stdout = isCurrent
    ? ""
    : `${PATH} is not what the endpoints say: npm run check -- --write-api, and read what changed`;
  return { code: isCurrent ? 0 : 1, stdout, stderr: "" };
}
