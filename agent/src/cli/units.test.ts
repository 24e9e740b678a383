import { vmNameInPath } from "@holdfast/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXIT, worstOf } from "./exit-codes.ts";
import { forTerminal } from "./for-terminal.ts";
import { bytesText, parseBytes, secondsText } from "./format.ts";
import { adHocItem, parseSource } from "./items.ts";
import { progressLine } from "./progress.ts";
import { table } from "./table.ts";

describe("numbers for people", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [6 * 2 ** 20, "6.0 MiB"],
    [250 * 2 ** 30, "250 GiB"],
    [2 ** 60, "1024 PiB"],
  ])("%d bytes are %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it.each([
    [0.417, "0.42 s"],
    [7.06, "7.1 s"],
    [185, "3 min 5 s"],
    [7800, "2 h 10 min"],
  ])("%d seconds are %s", (seconds, text) => expect(secondsText(seconds)).toBe(text));

  it.each([
    ["4096", 4096],
    ["20M", 20 * 2 ** 20],
    ["1.5 GiB", 1.5 * 2 ** 30],
    ["2tb", 2 * 2 ** 40],
  ])("%s is read as %d bytes", (text, bytes) => expect(parseBytes(text, "--speed-limit")).toBe(bytes));

  it.each(["", "0", "-1", "fast", "1X", "1e9"])("%j is no size", (text) => {
    expect(() => parseBytes(text, "--speed-limit")).toThrow("--speed-limit takes a size");
  });

  it("shows progress, and no bar longer than itself", () => {
    expect(progressLine("web: copy", 2 ** 30, 2 ** 32, 2)).toBe(
      "web: copy [######                  ]  25 %  1.0 GiB of 4.0 GiB  512 MiB/s",
    );
    expect(progressLine("web: scan", 5, 4, 0)).toContain("[########################] 100 %");
  });

  it("puts columns under their heads, whatever their width", async () => {
    const rows = [
      ["日本", "1"],
      ["b", "22"],
    ];
    expect((await table(["ITEM", "N"], rows)).split("\n")).toEqual(["ITEM  N", "日本  1", "b     22"]);
  });

  it("shows no name as anything but text, and keeps its own colours", async () => {
    const hostile = [["a\u001b[2J\nb", "\u001b[32mok\u001b[39m"]];
    const [head, row] = (await table(["ITEM", "N"], hostile)).split("\n");
    expect([head, row]).toEqual(["ITEM     N", "a [2J b  \u001b[32mok\u001b[39m"]);
    expect(forTerminal("a\rb\u001b]0;title\u0007\n\tc")).toBe("a b ]0;title \n\tc");
    expect(forTerminal("web\u202ewcq.1")).toBe("web wcq.1");
  });
});

describe("exit codes", () => {
  it("are those that the documentation promises", () => {
    expect(EXIT).toEqual({ ok: 0, failed: 1, usage: 2, damage: 3, inconclusive: 4, busy: 5, cancelled: 130 });
  });

  it("tell damage before anything but a cancel", () => {
    expect(worstOf([])).toBe(0);
    expect(worstOf([0, 4, 5])).toBe(5);
    expect(worstOf([1, 3, 4])).toBe(3);
    expect(worstOf([3, 130])).toBe(130);
  });
});

describe("a source on the command line", () => {
  it.each([
    ["/vm/a.raw", undefined, { kind: "file", path: "/vm/a.raw", format: "raw" }],
    ["/vm/a.IMG", undefined, { kind: "file", path: "/vm/a.IMG", format: "raw" }],
    ["/vm/a.qcow2", undefined, { kind: "file", path: "/vm/a.qcow2", format: "qcow2" }],
    ["/vm/a.disk", "vmdk", { kind: "file", path: "/vm/a.disk", format: "vmdk" }],
    ["/dev/vg/web", undefined, { kind: "block", path: "/dev/vg/web" }],
    ["nbd+unix:///disk?socket=/run/n", undefined, { kind: "nbd", uri: "nbd+unix:///disk?socket=/run/n" }],
    ['{"kind":"block","path":"/dev/sda"}', undefined, { kind: "block", path: "/dev/sda" }],
  ])("%s", (text, format, source) => expect(parseSource(text, format)).toMatchObject(source));

  it.each([
    ["/vm/a.disk", undefined, "the format of /vm/a.disk is not known"],
    ["/vm/a.raw", "iso", "--source /vm/a.raw: format"],
    ['{"kind":', undefined, "--source"],
    ['{"kind":"tape"}', undefined, "--source"],
  ])("%s as %s is refused", (text, format, message) => {
    expect(() => parseSource(text, format)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
    expect(() => parseSource(text, format)).toThrow(message);
  });

  it("tells disks apart by where they are, not by the names of their files", () => {
    const qmp = (socket: string, device: string): string => JSON.stringify({ kind: "qmp", socket, device });
    const long = "x".repeat(300);
    const sources = ["/a/disk.qcow2", "/b/disk.qcow2", "/a/disk.raw", "/dev/vg0/disk", "/dev/vg1/disk"];
    sources.push("nbd://host/a", "nbd://host/b", "nbd+unix:///?socket=/a", "nbd+unix:///?socket=/b");
    sources.push(qmp("/run/a", "virtio0"), qmp("/run/b", "virtio0"), `/a/${long}.raw`, `/b/${long}.raw`);
    const items = sources.map((source) => adHocItem({ source: [source] }));
    expect(new Set(items.map((item) => item.vm_context_id)).size).toBe(sources.length);
    expect(new Set(items.map((item) => vmNameInPath(item.vm_name))).size).toBe(sources.length);
    for (const { vm_name, vm_context_id } of items) {
      expect(vm_name.length).toBeLessThanOrEqual(200);
      expect(vm_context_id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
    }
    const idOf = (source: string): string => adHocItem({ source: [source] }).vm_context_id;
    expect(idOf(`${process.cwd()}/x/../disk.raw`)).toBe(idOf("./disk.raw"));
    expect(adHocItem({ source: ["nbd://someone@host/a"] }).vm_name).toBe("nbd://host/a");
  });

  it("gives every name an id that can be a folder", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 200, unit: "grapheme" }), (vmName) => {
        const { vm_context_id } = adHocItem({ source: ["/vm/a.raw"], vmName });
        expect(vm_context_id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
      }),
    );
  });
});
