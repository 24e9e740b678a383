/** `holdfast-agent aomei watch --once`: one look at everything that the configuration names of AOMEI. */
import { type AomeiEvent, type AomeiFacts, memoryFacts } from "../../aomei/facts.ts";
import { spoolFacts } from "../../aomei/spool-facts.ts";
import { passOnce } from "../../aomei/watch.ts";
import type { PassResult } from "../../aomei/watcher.ts";
import { isEnrolled } from "../../identity/client-identity.ts";
import { openSpool } from "../../spool/spool.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT, type ExitCode, worstOf } from "../exit-codes.ts";
import { countText, stateWord } from "../format.ts";
import { type GlobalOptions, type Host, withHost } from "../host.ts";

export type WatchCommandOptions = GlobalOptions & { once?: boolean };

/** The newest so many are shown. */
const SHOWN = 200;

type Heard = { tasks: unknown[]; entries: { status: string }[]; images: { path: string; state: string }[] };
type Pass = PassResult & { is_told: boolean; new: Heard };

/** What is new is told to the controller when the host is enrolled; else nothing is remembered, and all is new. */
export async function watch(options: WatchCommandOptions): Promise<Answer> {
  if (options.once !== true)
    throw usageError("aomei watch looks once only", "Add --once; `holdfast-agent serve` looks all the time.");
  return await withHost(options, async (host) => {
    const pass = await look(host);
    return { document: { ...pass, warnings: host.warnings }, text: () => textOf(pass), exitCode: exitCodeOf(pass) };
  });
}

async function look({ config, now, warn, signal }: Host): Promise<Pass> {
  const heard: Heard = { tasks: [], entries: [], images: [] };
  const log = (level: "info" | "warn" | "error", message: string): void => {
    if (level === "error") warn(message);
  };
  const settings = config.aomei;
  if (!(await isEnrolled(config.state_dir))) {
    const facts = memoryFacts((event) => hear(heard, event));
    return { is_told: false, ...(await passOnce({ settings, facts, now, log, stateDir: null }, signal)), new: heard };
  }
  const spool = openSpool(config.state_dir, { now, log: (_level, message) => warn(message) });
  try {
    const facts = listening(spoolFacts(spool), heard);
    const stateDir = config.state_dir;
    return { is_told: true, ...(await passOnce({ settings, facts, now, log, stateDir }, signal)), new: heard };
  } finally {
    spool.close();
  }
}

function listening(facts: AomeiFacts, heard: Heard): AomeiFacts {
  return {
    ...facts,
    record: (change) => {
      facts.record(change);
      for (const event of change.events) hear(heard, event);
    },
  };
}

function hear(heard: Heard, { kind, body }: AomeiEvent): void {
  if (kind === "aomei_task_seen") keep(heard.tasks, body);
  if (kind === "aomei_entry") keep(heard.entries, body);
  if (kind === "aomei_image") keep(heard.images, body);
}

function keep<T>(list: T[], one: T): void {
  list.push(one);
  if (list.length > SHOWN) list.shift();
}

const GOOD_IMAGES = ["complete", "removed_by_scheme"];

function exitCodeOf({ sources, new: heard }: Pass): ExitCode {
  const isFailed =
    heard.entries.some(({ status }) => status === "failed") ||
    heard.images.some(({ state }) => !GOOD_IMAGES.includes(state));
  const isUnread = sources.some(({ state }) => state !== "ready");
  return worstOf([
    ...(isFailed ? [EXIT.damage] : []),
    ...(isUnread ? [EXIT.failed] : []),
    ...(sources.length === 0 ? [EXIT.inconclusive] : []),
  ]);
}

function textOf({ is_told, entries, images, sources, new: heard }: Pass): string {
  if (sources.length === 0)
    return "Nothing of AOMEI Backupper is configured on this host: see `aomei` in docs/configuration.md.";
  const failed = heard.entries.filter(({ status }) => status === "failed").length;
  return [
    ...sources.map(({ source, state, reason, findings }) => {
      const found = findings.length === 0 ? "" : `, ${countText(findings.length, "finding")}`;
      return `${source}: ${state}${reason === null ? "" : ` (${reason})`}${found}`;
    }),
    `New: ${entries} entries (${failed} failed), ${countText(images, "image")}.`,
    ...heard.images.map(({ path, state }) => `  ${stateWord(state)}  ${path}`),
    is_told
      ? "The controller is told of it."
      : "This host is not enrolled: nothing is told, and nothing is remembered.",
  ].join("\n");
}
