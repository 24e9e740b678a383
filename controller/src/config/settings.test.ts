import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { decideSettings, type Surroundings } from "./settings.ts";

const around = (env: Record<string, string> = {}, isRoot = false): Surroundings => ({
  env: { HOME: "/home/ann", ...env },
  isRoot,
});

function mistakesOf(file: object, options: object = {}, env: Record<string, string> = {}): string[] {
  try {
    decideSettings({ ...file }, { ...options }, around(env));
  } catch (error) {
    expect(error).toMatchObject({ code: "BAD_CONFIG" });
    return ((error as { details?: string }).details ?? "").split("\n");
  }
  return [];
}

describe("the controller's settings", () => {
  it("have a default each", () => {
    expect(decideSettings({}, {}, around())).toEqual({
      data_dir: "/home/ann/.local/share/holdfast/controller",
      database: null,
      listen: "::",
      https_port: 8443,
      agent_port: 8444,
      names: [hostname()],
      certificate: null,
      log_level: "info",
      history: { eventsDays: 90, executionsDays: 730, auditDays: 730, evidenceDays: 3650 },
      second_person: [],
      outbound_allow: [],
    });
    expect(decideSettings({}, {}, around({}, true)).data_dir).toBe("/var/lib/holdfast/controller");
  });

  it("are taken from the file, then the environment, then the command line", () => {
    const env = {
      HOLDFAST_HTTPS_PORT: "2",
      HOLDFAST_AGENT_PORT: "2",
      HOLDFAST_NAMES: "a.example.org, 10.0.0.1",
      HOLDFAST_SECOND_PERSON: "backup.delete,backup.pin",
    };
    const decided = decideSettings(
      { https_port: 1, agent_port: 1, listen: "127.0.0.1" },
      { agent_port: "3" },
      around(env),
    );
    expect(decided).toMatchObject({ https_port: 2, agent_port: 3, listen: "127.0.0.1" });
    expect(decided.names).toEqual(["a.example.org", "10.0.0.1"]);
    expect(decided.second_person).toEqual(["backup.delete", "backup.pin"]);
  });

  it.each<[string, object, string[]]>([
    ["an unknown one", { prot: 1 }, [expect.stringMatching(/^prot: is not a setting \(known: data_dir, /)]],
    ...["10.0.0.0/33", "fd00::/129", "300.1.2.3", "10.1", "0x7f.1", "mail.example.org/24", "fe80::1%eth0", "a:b"].map(
      (text): [string, object, string[]] => [
        `no network: ${text}`,
        { outbound_allow: ["10.0.0.0/8", text] },
        ["outbound_allow.1: must be an address, a network (10.0.0.0/8) or a host name"],
      ],
    ),
    ["a port that is none", { https_port: 70_000 }, ["https_port: must be a port"]],
    [
      "a database of another kind",
      { database: "mysql://x" },
      [expect.stringMatching(/^database: must begin with postgres/)],
    ],
    ["a command that is none", { second_person: ["shell"] }, [expect.stringMatching(/^second_person\.0: /)]],
    ["a name with a space", { names: ["a b"] }, [expect.stringMatching(/^names\.0: must be a host name/)]],
    [
      "half a certificate",
      { certificate_file: "c.pem" },
      ["certificate_key_file: a certificate and its key are given together"],
    ],
    [
      "several",
      { https_port: -1, listen: "" },
      [expect.stringContaining("listen"), expect.stringContaining("https_port")],
    ],
  ])("with %s are refused, all mistakes at once", (_what, file, expected) => {
    const found = mistakesOf(file);
    for (const line of expected) expect(found).toContainEqual(line);
  });
});
