import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTestHost, type TestHost } from "./test-cli.ts";

describe("the command line", () => {
  let host: TestHost;
  beforeEach(async () => {
    host = await makeTestHost();
  });
  afterEach(() => host[Symbol.asyncDispose]());

  it("shows its help and its version", async () => {
    const help = await host.cli("--help");
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Exit codes: 0 done and well");
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect(await host.cli("repository", "key", "--help")).toMatchObject({ code: 0 });
    expect(await host.cli("--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
    const { stdout } = await host.cli("status", "--json");
    expect(JSON.parse(stdout).agent.version).toBe(version);
  });

  it.each([
    [["bakup"], "unknown command 'bakup'"],
    [["verify", "--everything"], "unknown option '--everything'"],
    [["restore", "x"], "required option '--to <path>' not specified"],
    [["repository"], "which command?"],
    [["backup", "--full", "--incremental"], "--full and --incremental exclude each other"],
    [["backup"], "no item is configured"],
    [["backup", "--source", "/x.raw"], "--source needs --repository"],
    [["backup", "web", "--allow-root", "/x"], "--allow-root goes with --source only"],
    [["backup", "web", "--encrypt"], "--encrypt goes with --source only"],
    [["verify"], "no repository is configured"],
    [["repository", "list", "nowhere"], 'no repository "nowhere" is configured'],
  ])("answers %j with exit code 2 and what to do", async (args, message) => {
    const told = await host.cli(...args);
    expect(told).toMatchObject({ code: 2, stdout: "" });
    expect(told.stderr).toContain(`holdfast-agent: ${message}`);
    expect(told.stderr).toContain("What to do: ");
    const { code, document } = await host.json(...args);
    expect(code).toBe(2);
    expect(document).toMatchObject({ error: message, code: "BAD_REQUEST", remedy: expect.any(String) });
    expect(Object.keys(document as object)).toEqual(["error", "code", "details", "remedy", "timestamp"]);
  });

  it("suggests what was meant, and says in every help what goes with every command", async () => {
    const { stderr } = await host.cli("bakup");
    expect(stderr).toContain("What to do: Did you mean backup? Add --help");
    const { code, stdout } = await host.cli("backup", "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/--config <file>/);
    expect(stdout).toMatch(/--json/);
    expect(stdout).not.toContain("[]");
  });

  it("tells all mistakes of a configuration at once", async () => {
    await host.configure({ rots: [], items: [{ vm_context_id: "../x" }] });
    const { code, document } = await host.json("status");
    expect(code).toBe(2);
    const { details } = document as { details: string };
    expect(details).toContain("rots: is not a setting (did you mean roots?)");
    expect(details).toContain("items[0].vm_context_id: must not contain '..'");
    expect(details).toContain("items[0].disks: is missing");
  });

  it("shows a stack only to those who debug", async () => {
    await writeFile(join(host.folder, "agent.json"), "{");
    const told = await host.cli("status");
    expect(told.code).toBe(2);
    expect(told.stderr).toContain("is not valid JSON");
    expect(told.stderr).not.toMatch(/^\s+at /m);
  });

  it("says in status what is missing, and fails then", async () => {
    const source = { kind: "file", path: join(host.folder, "a.raw"), format: "raw" };
    await host.configure({
      roots: [host.folder],
      repositories: [{ repository_id: "main", path: join(host.folder, "none") }],
      items: [{ vm_context_id: "web-1", vm_name: "web", repository_id: "main", disks: [{ source }] }],
    });
    const { code, document } = await host.json("status");
    expect(code).toBe(1);
    expect(document).toMatchObject({
      tools: [{ name: "qemu-img", state: "found" }, { name: "qemu-storage-daemon" }],
      items: [{ vm_name: "web", error: expect.stringContaining("is it mounted?") }],
    });
  });
});
