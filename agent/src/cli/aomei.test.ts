import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTestHost, type TestHost } from "./test-cli.ts";

const FIXTURE = join(import.meta.dirname, "../../../test/fixtures/aomei/brlog-id-attribute.xml");
const GUID = "{97c17e9b-0c41-466b-bfad-e319dcee6b0f}";
const FAILED = {
  id: GUID,
  time: "2024-04-20T00:00:00.000Z",
  task: "Sauvegarde_systeme_PC1",
  operation: "Sauvegarde incrémentielle",
  result: "Echec",
  result_code: 4103,
  detail: "Failed to write file.",
  status: "failed",
};

let host: TestHost;
beforeAll(async () => {
  host = await makeTestHost();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

describe("aomei parse", () => {
  it("prints entries and findings as one document, and exits 3 when an entry failed", async () => {
    const { code, document } = await host.json("aomei", "parse", FIXTURE);
    expect(code).toBe(3);
    expect(document).toEqual({ entries: [{ ...FAILED, ...SUCCESS }, FAILED], findings: [] });
  });

  it("prints the same for people, in which nothing draws on the terminal", async () => {
    const file = join(host.folder, "escape.xml");
    await writeFile(
      file,
      `<BRLog><Log ID="${GUID}"><Time>1713484800</Time><Task>a\u001b[31mb</Task><ResultCode>0</ResultCode></Log></BRLog>`,
    );
    const { code, stdout } = await host.cli("aomei", "parse", file);
    expect(code).toBe(0);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toMatch(
      /^2024-04-19 00:00:00Z {2}success \(0\) {2}a \[31mb\nfinding BAD_CHARACTER: .*\n1 entries, 0 failed; 1 finding\.\n$/,
    );
  });

  it.each([
    ["an empty log", "<BRLog></BRLog>", 0, []],
    ["no log", "<html/>", 1, ["NOT_A_LOG"]],
  ])("%s", async (_name, text, exit, codes) => {
    const file = join(host.folder, "some.xml");
    await writeFile(file, text);
    const { code, document } = await host.json("aomei", "parse", file);
    expect([code, document]).toEqual([
      exit,
      { entries: [], findings: codes.map((one) => expect.objectContaining({ code: one })) },
    ]);
  });

  it("says why a file cannot be read", async () => {
    expect(await host.json("aomei", "parse", join(host.folder, "none.xml"))).toMatchObject({
      code: 1,
      document: { code: "NOT_FOUND" },
    });
    expect(await host.json("aomei", "parse", host.folder)).toMatchObject({
      code: 1,
      document: { error: expect.stringMatching(/EISDIR/) },
    });
    expect(await host.json("aomei", "parse", FIXTURE, "--encoding", "klingon")).toMatchObject({ code: 2 });
  });

  it("reads a text log", async () => {
    const file = join(host.folder, "run.log");
    await writeFile(file, "Backup is initializing...\r\nInformation Code:4103\r\nFailed to write file.\r\n");
    const { code, document } = await host.json("aomei", "parse", file, "--text");
    expect([code, document]).toMatchObject([3, { entries: [{ status: "failed", result_code: 4103, id: null }] }]);
  });

  it("makes little of a large hole where a log should be", async () => {
    const file = join(host.folder, "zeros.xml");
    await copyFile(FIXTURE, file);
    await truncate(file, 300_000_000);
    const { code, document } = await host.json("aomei", "parse", file);
    expect([code, document]).toMatchObject([3, { entries: [{}, FAILED], findings: [] }]);
  });
});

const SUCCESS = {
  time: "2024-04-19T00:00:00.000Z",
  operation: "Sauvegarde complète",
  result: "Succès",
  result_code: 0,
  detail: "Operation completed.",
  status: "success",
};

describe("aomei watch --once", () => {
  it("looks at everything that is configured, and says what it cannot read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-aomei-cli-"));
    const log = join(folder, "brlog.xml");
    await copyFile(FIXTURE, log);
    await mkdir(join(folder, "images"));
    await writeFile(join(folder, "images", "x.adi"), "no image");
    const missing = join(folder, "none", "brlog.xml");
    await host.configure({
      aomei: { result_logs: [{ path: log }, { path: missing }], image_folders: [join(folder, "images")] },
    });
    const { code, document } = await host.json("aomei", "watch", "--once");
    await rm(folder, { recursive: true });
    expect([code, document]).toMatchObject([
      3,
      {
        is_told: false,
        entries: 2,
        images: 1,
        sources: [
          { source: log, state: "ready" },
          { source: missing, state: "absent" },
          { source_kind: "images", state: "ready" },
        ],
        new: {
          tasks: [{ task_guid: GUID, task_name: "Sauvegarde_systeme_PC1" }],
          entries: [{ status: "success" }, { status: "failed" }],
          images: [{ state: "unrecognised" }],
        },
      },
    ]);
  });

  it("has nothing to do where nothing is configured", async () => {
    await host.configure({});
    expect((await host.cli("aomei", "watch", "--once")).code).toBe(4);
    expect((await host.cli("aomei", "watch")).code).toBe(2);
  });
});
