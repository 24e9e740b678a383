/** What an auditor does with an evidence pack, and what watches a controller: with curl and openssl alone. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openStore } from "../../controller/src/store/store.ts";
import { makeControllerWorld } from "../helpers/controller-world.ts";
import { runProgram } from "../helpers/disks.ts";
import { projectRoot } from "../helpers/run-tool.ts";

const BEGIN = `
TOKEN=$(node_modules/.bin/node controller/bin/holdfast.mjs access-token --data-dir "$DATA")
hold() { curl --silent --show-error --fail --cacert "$DATA/pki/root.pem" --header "Authorization: Bearer $TOKEN" "$@"; }
`;
/** As docs/operations.md has it. */
const CHECK = `
PERIOD='from=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z'
hold --output pack.json "$URL/api/v1/evidence?$PERIOD"
hold --output pack.sig "$URL/api/v1/evidence/signature?$PERIOD"
hold --output evidence.pub "$URL/api/v1/evidence/public-key.pem"
openssl dgst -sha256 -verify evidence.pub -signature pack.sig pack.json
`;
const CHANGE = `
sed -i s/failed/passed/ pack.json
openssl dgst -sha256 -verify evidence.pub -signature pack.sig pack.json 2>/dev/null || echo "not taken"
`;
const WATCH = `
hold "$URL/readyz"
hold "$URL/metrics" | grep -E '^holdfast_(build_info|job_runs_total.*expected-runs|data_free_bytes)|^process_cpu_seconds_total'
hold "$URL/api/v1/reports/fleet.html" | grep '<h1>'
`;

it("a pack is checked by openssl alone, and one that was changed is not taken", { timeout: 60_000 }, async () => {
  await using world = await makeControllerWorld();
  await mkdir(world.data);
  const store = await openStore({ file: join(world.data, "controller.db") });
  await store.write(async (db) => {
    const at = new Date("2026-01-15T03:00:00Z");
    const facts = { agentId: "9f6d5c1e-0000-4000-8000-000000000001", backupId: "backup-web", cached: false };
    const body = { verification_id: "verification-1", backup_id: "backup-web", status: "failed" } as never;
    const row = { ...facts, verificationId: "verification-1", status: "failed" as const, verifiedAt: at, body };
    await db.insert(db.tables.verifications).values(row).execute();
  });
  await store.close();
  const controller = await world.start();
  const set = `cd '${projectRoot}'\nDATA='${world.data}' URL='${controller.url}'\n${BEGIN}cd '${world.folder}'\n`;
  const output = await runProgram("bash", "-euo", "pipefail", "-c", `${set}${CHECK}${CHANGE}${WATCH}`);
  expect(output).toMatch(/^Verified OK\n(?:Verification failure\n)?not taken\n\{"status":"ok"\}/i);
  expect(output).toContain('holdfast_job_runs_total{name="expected-runs"}');
  expect(output).toContain("<h1>Backups: All hosts</h1>");
});
