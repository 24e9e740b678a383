/** docs/api.md, run as printed: its shell blocks in one shell, against a controller that `serve` has opened. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decideSettings } from "../../controller/src/config/settings.ts";
import { type Ready, serve } from "../../controller/src/main.ts";
import { createLogger } from "../../controller/src/serve/log.ts";
import { runProgram } from "../helpers/disks.ts";
import { projectRoot } from "../helpers/run-tool.ts";

let folder: string;
let ready: Ready;
let served: Promise<boolean>;
const stop = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-docs-"));
  const given = {
    data_dir: join(folder, "data"),
    listen: "127.0.0.1",
    https_port: 0,
    agent_port: 0,
    names: ["127.0.0.1"],
  };
  const settings = decideSettings(given, {}, { env: {}, isRoot: false });
  const opened = Promise.withResolvers<Ready>();
  const options = {
    log: createLogger("error", { write: () => undefined }),
    signal: stop.signal,
    allowMigrate: false,
    onReady: opened.resolve,
  };
  served = serve(settings, options);
  ready = await Promise.race([
    opened.promise,
    served.then(() => Promise.reject(new Error("it ended before it was ready"))),
  ]);
});

afterAll(async () => {
  stop.abort();
  await served;
  await rm(folder, { recursive: true, force: true });
});

/** A host enrols as an agent would, so that the page finds one. */
const ENROL = `
openssl req -new -newkey rsa:2048 -nodes -keyout "$HOLDFAST_DATA_DIR/../host.key" -subj /CN=host -out "$HOLDFAST_DATA_DIR/../host.csr" 2>/dev/null
HOST_TOKEN=$(hold --json '{}' "$URL/api/v1/enrolment-tokens" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
CSR=$(awk '{printf "%s\\\\n", $0}' "$HOLDFAST_DATA_DIR/../host.csr")
curl --silent --cacert "$DATA/pki/root.pem" --json '{"token": "'$HOST_TOKEN'", "csr": "'"$CSR"'", "hostname": "web-host",
  "platform": "linux", "agent_version": "0.1.0"}' "$URL/api/v1/enrolment" | grep agent_id
`;

it("every command of docs/api.md works as printed", { timeout: 120_000 }, async () => {
  const page = await readFile(join(projectRoot, "docs/api.md"), "utf8");
  const [first = "", ...others] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? "");
  expect(others.length).toBeGreaterThan(8);
  const blocks = [first, ENROL, ...others].map((block) => `${block}\nprintf '\\n%s\\n' "----"\n`);
  const set = `cd '${projectRoot}'\nexport HOLDFAST_DATA_DIR='${join(folder, "data")}' HOLDFAST_URL='${ready.url}'\n`;
  const output = await runProgram("bash", "-euo", "pipefail", "-c", set + blocks.join(""));
  const told = output.split("\n----\n");
  expect(told).toHaveLength(blocks.length + 1);
  const refused = told.filter((text) => text.includes('"error":') && text.includes('"request_id"'));
  expect(refused).toHaveLength(1);
  expect(refused[0]).toContain('"code":"VALIDATION_ERROR"');
  for (const part of [
    '"status":"ok"',
    '"chain_id":"web-1-disk0-chain"',
    '"deleted":true',
    '"action":"backups.start"',
    '"kind":"agent.diagnose"',
    '"status":"cancelled"',
    ": connected",
  ])
    expect(output).toContain(part);
});
