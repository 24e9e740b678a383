/** What a controller is told when it starts: by its file, the environment and the command line, later ones going before. */
import { isIP } from "node:net";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { commandKind } from "@holdfast/protocol";
import { z } from "zod";
import { ControllerError } from "../errors.ts";

const port = z.coerce.number().int().min(0, "must be a port").max(65_535, "must be a port");
const days = z.coerce.number().int().min(1, "must be 1 to 36500").max(36_500, "must be 1 to 36500");
const name = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, "must be a host name or an IP address");
const network = z
  .string()
  .max(253)
  .refine(isNetworkOrName, "must be an address, a network (10.0.0.0/8) or a host name");

/** What looks like an address must be one: a name that nobody has would allow nothing, without a word. */
function isNetworkOrName(text: string): boolean {
  const [, address = "", prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version !== 0) return Number(prefix ?? 0) <= (version === 4 ? 32 : 128);
  return prefix === undefined && /^[A-Za-z0-9._-]+$/.test(address) && !/(^|\.)(\d+|0[xX][0-9a-fA-F]*)$/.test(address);
}

const settings = z.strictObject({
  /** Database file, keys and certificates. */
  data_dir: z.string().min(1).optional(),
  /** `postgres://…`; without it a SQLite file in the data folder. */
  database: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must begin with postgres:// (leave it out for SQLite)")
    .optional(),
  /** Address to listen on. */
  listen: name.default("::"),
  https_port: port.default(8443),
  agent_port: port.default(8444),
  /** Names and addresses under which browsers and agents reach this host; the first one is used in tokens. */
  names: z.array(name).max(50).default([]),
  /** A certificate for browsers (PEM files); agents keep using the controller's own. */
  certificate_file: z.string().min(1).optional(),
  certificate_key_file: z.string().min(1).optional(),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** How long history is kept. Backups that are there and the proofs that count for them are none. */
  events_days: days.default(90),
  executions_days: days.default(730),
  audit_days: days.default(730),
  /** How long it is kept what backups were made and removed, and what proved them: so far back evidence is whole. */
  evidence_days: days.default(3650),
  /** Addresses, networks and host names inside to which messages may be sent all the same. */
  outbound_allow: z.array(network).max(100).default([]),
  /** Gets a sign of life every minute while all is well, so that a dead controller is noticed elsewhere. */
  dead_man_url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional(),
  /** Commands of these kinds are sent once another person has approved them. */
  second_person: z.array(commandKind).max(50).default([]),
});
type Given = z.infer<typeof settings>;
type Asked = "data_dir" | "database" | "certificate_file" | "certificate_key_file";
type History = "events_days" | "executions_days" | "audit_days" | "evidence_days";

export type ServeSettings = Omit<Given, Asked | History> & {
  data_dir: string;
  database: string | null;
  certificate: { certFile: string; keyFile: string } | null;
  history: { eventsDays: number; executionsDays: number; auditDays: number; evidenceDays: number };
};

export type Surroundings = { env: Readonly<Record<string, string | undefined>>; isRoot: boolean };

const LISTS: readonly string[] = ["names", "outbound_allow", "second_person"];

/** Each setting's environment variable: `HOLDFAST_` and its name, e.g. HOLDFAST_HTTPS_PORT; lists are comma-separated. */
function fromEnvironment(env: Surroundings["env"]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(settings.shape)) {
    const text = env[`HOLDFAST_${key.toUpperCase()}`];
    if (text === undefined || text === "") continue;
    given[key] = LISTS.includes(key) ? text.split(",").map((part) => part.trim()) : text;
  }
  return given;
}

/** Where the controller keeps its data unless told otherwise. */
export function usualDataDir({ env, isRoot }: Surroundings): string {
  if (isRoot) return "/var/lib/holdfast/controller";
  return join(env["XDG_DATA_HOME"] || join(env["HOME"] || homedir(), ".local", "share"), "holdfast", "controller");
}

/** Joins the three places and checks the result; BAD_CONFIG names every mistake at once in `fields`. */
export function decideSettings(
  file: Record<string, unknown>,
  options: Record<string, unknown>,
  around: Surroundings,
): ServeSettings {
  const parsed = settings.safeParse({ ...file, ...fromEnvironment(around.env), ...options });
  if (!parsed.success) throw mistakes(parsed.error.issues.map(problemOf));
  const { data_dir, database, certificate_file: certFile, certificate_key_file: keyFile, ...others } = parsed.data;
  const { events_days: eventsDays, executions_days: executionsDays, audit_days: auditDays, ...more } = others;
  const { evidence_days: evidenceDays, ...rest } = more;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const path = certFile === undefined ? "certificate_file" : "certificate_key_file";
    throw mistakes([{ path, message: "a certificate and its key are given together" }]);
  }
  return {
    ...rest,
    names: rest.names.length === 0 ? [hostname()] : rest.names,
    data_dir: resolve(data_dir ?? usualDataDir(around)),
    database: database ?? null,
    certificate: certFile === undefined || keyFile === undefined ? null : { certFile, keyFile },
    history: { eventsDays, executionsDays, auditDays, evidenceDays },
  };
}

function problemOf(issue: z.core.$ZodIssue): { path: string; message: string } {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return { path, message: issue.message };
  return {
    path: issue.keys.join(", "),
    message: `is not a setting (known: ${Object.keys(settings.shape).join(", ")})`,
  };
}

function mistakes(fields: { path: string; message: string }[]): ControllerError {
  const details = fields.map(({ path, message }) => `${path}: ${message}`).join("\n");
  return new ControllerError("BAD_CONFIG", { message: "the controller's settings have mistakes", details, fields });
}
