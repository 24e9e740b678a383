import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "../errors.ts";
import { parseConfig } from "./parse.ts";

const item = (changes: object = {}) => ({
  vm_context_id: "web-1",
  vm_name: "web",
  repository_id: "main",
  disks: [{ disk_id: 0, source: { kind: "file", path: "/vm/web.raw", format: "raw" } }],
  ...changes,
});
const config = (changes: object = {}) => ({
  roots: ["/vm"],
  repositories: [{ repository_id: "main", path: "/backup" }],
  items: [item()],
  ...changes,
});

function mistakesOf(value: unknown): string[] {
  try {
    parseConfig(JSON.stringify(value), "agent.json");
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "BAD_CONFIG") throw error;
    expect(error.remedy).toBeTruthy();
    return (error.details ?? "").split("\n");
  }
  return [];
}

const nbd = (server: string) => config({ nbd_servers: [server] });
const source = (given: object) => config({ items: [item({ disks: [{ source: given }] })] });

/** [what, the configuration, every mistake in it]. */
const TABLE: [string, unknown, string[]][] = [
  ["a whole one", config(), []],
  ["an empty one", {}, []],
  ["not an object", 7, ["(the whole file): must be of type object (given: 7)"]],
  ["an unknown setting", config({ repositores: [] }), ["repositores: is not a setting (did you mean repositories?)"]],
  [
    "an unknown setting of an item",
    config({ items: [item({ compresion: "zstd" })] }),
    ["items[0].compresion: is not a setting (did you mean compression?)"],
  ],
  [
    "an unknown setting near nothing",
    config({ floor: { colour: 1 } }),
    ["floor.colour: is not a setting (known here: min_points, min_age_days)"],
  ],
  [
    "a choice that is none",
    config({ items: [item({ compression: "gzip" })] }),
    ['items[0].compression: must be one of "none", "zstd" (given: "gzip")'],
  ],
  [
    "a source of no kind",
    source({ kind: "tape", path: "/vm/x" }),
    ['items[0].disks[0].source.kind: must be one of "file", "block", "qmp", "nbd" (given: "tape")'],
  ],
  [
    "a source outside the roots",
    source({ kind: "block", path: "/dev/sda" }),
    ["items[0].disks[0].source.path: /dev/sda lies outside `roots` (roots: /vm)"],
  ],
  [
    "a source beside a root of a like name",
    source({ kind: "block", path: "/vmx/a" }),
    ["items[0].disks[0].source.path: /vmx/a lies outside `roots` (roots: /vm)"],
  ],
  [
    "a source that climbs out",
    source({ kind: "block", path: "/vm/../etc/shadow" }),
    ["items[0].disks[0].source.path: /vm/../etc/shadow lies outside `roots` (roots: /vm)"],
  ],
  ["a source in a folder of a strange name", source({ kind: "block", path: "/vm/..data/a" }), []],
  [
    "a machine whose places lie outside the roots",
    source({ kind: "qmp", socket: "/run/vm.qmp", device: "d", guest_agent: "/vm/../run/ga", fleece_folder: "/tmp" }),
    [
      "items[0].disks[0].source.socket: /run/vm.qmp lies outside `roots` (roots: /vm)",
      "items[0].disks[0].source.guest_agent: /vm/../run/ga lies outside `roots` (roots: /vm)",
      "items[0].disks[0].source.fleece_folder: /tmp lies outside `roots` (roots: /vm)",
    ],
  ],
  [
    "a machine whose places lie inside",
    source({ kind: "qmp", socket: "/vm/a.qmp", device: "d", guest_agent: "/vm/a.ga", fleece_folder: "/vm" }),
    [],
  ],
  [
    "a retention that keeps nothing",
    config({ items: [item({ retention_days: 0 })] }),
    ["items[0].retention_days: Too small: expected number to be >0 (given: 0)"],
  ],
  [
    "a missing id",
    config({ items: [item({ vm_name: undefined })] }),
    ["items[0].vm_name: is missing (give a value of type string)"],
  ],
  [
    "an unknown repository",
    config({ items: [item({ repository_id: "mian" })] }),
    ['items[0].repository_id: there is no repository "mian" (did you mean main?)'],
  ],
  [
    "an id that climbs",
    config({ items: [item({ vm_context_id: "../x" })] }),
    [
      "items[0].vm_context_id: use letters, digits, '.', '_' and '-' only, at most 64, starting with a letter or digit (given: \"../x\")",
      "items[0].vm_context_id: must not contain '..' (given: \"../x\")",
    ],
  ],
  [
    "ids and paths given twice",
    config({ repositories: [...config().repositories, ...config().repositories], items: [item(), item()] }),
    [
      'repositories[1].repository_id: "main" was given before, at repositories[0].repository_id',
      'repositories[1].path: "/backup" was given before, at repositories[0].path',
      'items[1].vm_context_id: "web-1" was given before, at items[0].vm_context_id',
      'items[1].vm_name: "web" was given before, at items[0].vm_name',
    ],
  ],
  [
    "two disks of the default number",
    config({ items: [item({ disks: [...item().disks, { source: item().disks[0]?.source }] })] }),
    ["items[0].disks[1].disk_id: 0 was given before, at items[0].disks[0].disk_id"],
  ],
  ["a unix socket of an NBD server", nbd("unix:/run/nbd.sock"), []],
  ["a host of an NBD server", nbd("nbd.example.org:10809"), []],
  ["an IPv6 address of an NBD server", nbd("[2001:db8::1]:10809"), []],
  [
    "no NBD server",
    nbd("nbd.example.org"),
    ['nbd_servers[0]: must be unix:/path/to/socket or host:port (given: "nbd.example.org")'],
  ],
  [
    "mistakes of shape and of sense together",
    config({ state_dir: "here", items: [item({ repository_id: "other", cluster_size: 4096 })] }),
    [
      'state_dir: must be an absolute path (given: "here")',
      "items[0].cluster_size: must be 65536 or 1048576 (given: 4096)",
      'items[0].repository_id: there is no repository "other" (add it to `repositories`)',
    ],
  ],
];

describe("parseConfig", () => {
  it.each(TABLE)("%s", (_name, value, mistakes) => {
    expect(mistakesOf(value)).toEqual(mistakes);
  });

  it("gives what is left out its default", () => {
    const parsed = parseConfig(JSON.stringify(config()), "agent.json");
    expect(parsed.floor).toEqual({ min_points: 7, min_age_days: 7 });
    expect(parsed.items[0]).toMatchObject({ compression: "none", cluster_size: 65_536, tags: {} });
    expect(parsed.repositories[0]).toMatchObject({ kind: "local", encryption: false });
  });

  it("names the line of a syntax error", () => {
    const parse = () => parseConfig('{\n  "roots": []\n  "items": []\n}', "agent.json");
    expect(parse).toThrow(expect.objectContaining({ code: "BAD_CONFIG", details: expect.stringContaining("line 3") }));
  });

  it("answers anything with a configuration or with mistakes, never otherwise", () => {
    const settings = fc.constantFrom("roots", "items", "repositories", "floor", "disks", "source", "x");
    const anything = fc.oneof(fc.jsonValue(), fc.dictionary(settings, fc.jsonValue()));
    fc.assert(
      fc.property(anything, (value) => {
        for (const line of mistakesOf(value)) expect(line).toMatch(/\S: \S/);
      }),
      { numRuns: 500 },
    );
  });
});
