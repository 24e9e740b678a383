import { expect, it } from "vitest";
import { jobOf, newScript, runsOf } from "../../controller/src/http/test-aomei.ts";
import { describeApi } from "../../controller/src/http/test-api.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { type BodyField, parseScript, readScript, type Script } from "../helpers/powershell.ts";

const module = await readScript("Holdfast.psm1");
const integration = await readScript("aomei_integration.ps1");

function functionOf({ functions }: Script, name: string) {
  const found = functions.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the script has no function ${name}`);
  return found;
}

/** The body as the function builds it, once its variables have these values; what stays unknown fails the test. */
function bodyOf(script: Script, name: string, values: Record<string, unknown>): Json {
  const fields = functionOf(script, name).body ?? [];
  expect(fields).not.toEqual([]);
  return Object.fromEntries(fields.map((field) => [field.name, sentFor(field, values)]));
}

function sentFor({ name, value }: BodyField, values: Record<string, unknown>): unknown {
  if (/^\d+$/.test(value)) return Number(value);
  const variable = /^\$(\w+)$/.exec(value)?.[1] ?? "";
  if (!Object.hasOwn(values, variable)) throw new Error(`${name} = ${value} is not known to this test`);
  return values[variable];
}

/** To the path that stands in the function. */
const pathOf = (script: Script, name: string) => functionOf(script, name).paths[0]?.replace("/aomei", "") ?? "";

it.each([
  ["Holdfast.psm1", module],
  ["aomei_integration.ps1", integration],
])("%s is PowerShell 5.1, in ASCII, and never trusts blindly", (_name, { text, faults, functions }) => {
  expect(faults).toEqual([]);
  expect(functions.length).toBeGreaterThan(4);
  // Windows PowerShell reads a file without a mark in the code page of the host.
  expect(/[^\t\r\n -~]/.exec(text)).toBeNull();
  const code = text.replaceAll(/<#[\s\S]*?#>|^\s*#.*$/gm, "");
  // Of PowerShell 7 only: pipeline chains, null-coalescing, ternaries, parallel loops.
  expect(code).not.toMatch(/\?\?|&&|\|\||\?\.|ForEach-Object -Parallel|\s\?\s.+\s:\s/);
  expect(code).not.toMatch(
    /CertificateValidation|SkipCertificateCheck|TrustAll|http:\/\/|Invoke-Expression|Ssl3|Tls11/i,
  );
});

it("the grammar sees what is no PowerShell", async () => {
  const broken = module.text.replace("if ($null -eq $path) {", "if ($null -eq $path {");
  expect((await parseScript(broken)).faults).not.toEqual([]);
});

it.each<[string, string[], string[]]>([
  ["Get-BackupSystemConfig", [], []],
  ["Save-BackupSystemConfig", ["ApiUrl", "ApiKey"], []],
  ["Write-BackupLog", ["Level", "Message"], ["JobId"]],
  ["Send-BackupStatus", ["JobId", "Status"], ["BackupSize", "Duration", "ErrorMessage"]],
  ["Send-BackupCopyStatus", ["JobId", "Status"], ["CopySize", "Duration", "ErrorMessage"]],
  ["Send-BackupExecution", ["JobId", "StartTime", "EndTime", "Status"], ["BackupSize", "Details"]],
])("%s has the parameters that existing scripts give", (name, mandatory, optional) => {
  const found = functionOf(module, name);
  expect(module.exported).toContain(name);
  expect(found.mandatory).toEqual(mandatory);
  expect(found.parameters).toEqual(expect.arrayContaining(optional));
});

it("what is exported is there", () => {
  expect(module.exported).toHaveLength(8);
  expect(module.functions.map(({ name }) => name)).toEqual(expect.arrayContaining(module.exported));
});

describeApi("the bodies that the reporter builds", (api) => {
  async function send(name: string, values: Record<string, unknown>, agentId?: string) {
    const script = await newScript(api(), { agentId: agentId ?? null });
    const job = { TaskName: "System", JobType: "system_image", TargetServer: "PC-7", TargetPath: "", Description: "" };
    const registered = await script.post(
      pathOf(module, "Register-BackupJob"),
      bodyOf(module, "Register-BackupJob", job),
    );
    const JobId = (registered.body["data"] as { job_id: number }).job_id;
    const reply = await script.post(pathOf(module, name), bodyOf(module, name, { JobId, ...values }));
    expect([reply.status, reply.body["success"]]).toEqual([200, true]);
    return { JobId, script };
  }
  const run = async (jobId: number) => (await runsOf(api(), jobId))[0];

  it("Send-BackupStatus", async () => {
    const values = { Status: "Failed", BackupSize: 5_000_000_000, Duration: 61.5, ErrorMessage: "Zugriff verweigert" };
    const { JobId } = await send("Send-BackupStatus", values);
    const told = { result: "failed", size: 5_000_000_000, duration: 61.5, error: "Zugriff verweigert" };
    expect(await run(JobId)).toMatchObject({ ...told, copy_type: "primary", start_time: null, end_time: null });
  });

  it("Send-BackupCopyStatus", async () => {
    const facts = { Status: "success", CopySize: 7, Duration: 2, ErrorMessage: "" };
    const { JobId } = await send("Send-BackupCopyStatus", { ...facts, CopyType: "offsite", StoragePath: "\\\\nas\\x" });
    expect((await jobOf(api(), JobId))["copies"]).toMatchObject([{ type: "offsite", media: "network_share", size: 7 }]);
  });

  it("Send-BackupExecution", async () => {
    const times = { startText: "2026-02-15T03:00:00.000Z", endText: "2026-02-15T03:30:00.000Z" };
    const { JobId } = await send("Send-BackupExecution", { ...times, Status: "warning", BackupSize: 9, Details: "x" });
    expect(await run(JobId)).toMatchObject({
      ...{ start_time: times.startText, end_time: times.endText, size: 9, details: "x", result: "warning" },
    });
  });

  it("what the integration reads from a log goes as one batch, and again changes nothing", async () => {
    const script = await newScript(api());
    const job_id = await script.register("System");
    const texts = { name: "System", errorText: "Failed to write file.", operation: "Sauvegarde complète" };
    const times = { statusText: "failed", endText: "2026-02-15T03:30:00Z" };
    const entry = { ...bodyOf(integration, "ConvertTo-Report", { ...texts, ...times }), job_id };
    const body = bodyOf(module, "Send-BackupStatusBatch", { Statuses: [entry, entry] });
    for (const _ of [1, 2]) {
      const reply = await script.post(pathOf(module, "Send-BackupStatusBatch"), body);
      expect(reply.body).toMatchObject({ success: true, applied: 2 });
    }
    expect(await runsOf(api(), job_id)).toMatchObject([
      { end_time: "2026-02-15T03:30:00.000Z", result: "failed", error: "Failed to write file." },
    ]);
  });

  it("go with the headers that the controller reads", async () => {
    const headers = [...module.text.matchAll(/'(X-[A-Za-z-]+|Idempotency-Key)'\s*=/g)].map(([, name]) => name ?? "");
    expect(headers).toEqual(["X-API-Key", "Idempotency-Key", "X-Holdfast-Reporter-Errors"]);
    const { key } = await newScript(api());
    const values = [key, "7c9e6679-7425-40de-944b-e07fc1f90ae7", "2"];
    const sent = Object.fromEntries(headers.map((name, index) => [name, values[index] ?? ""]));
    const path = `/api/v1/aomei${pathOf(module, "Register-BackupJob")}`;
    const reply = await api().call("POST", path, { as: null, body: { task_name: "x" }, headers: sent });
    expect(reply.status).toBe(200);
    expect(api().context.counters.values()).toMatchObject({ holdfast_aomei_reporter_errors_total: 2 });
  });
});
