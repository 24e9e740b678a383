/** A process of its own: parses a log (`parse FILE`), or watches one as the service does (`watch FILE STATE_DIR`). */
import { createReadStream } from "node:fs";
import { createLogParser } from "../../../agent/src/aomei/log/parse-log.ts";
import { watchAomei } from "../../../agent/src/aomei/watch.ts";
import { aomeiSettings } from "../../../agent/src/config/aomei-settings.ts";
import { openSpool } from "../../../agent/src/spool/spool.ts";

export type ParseUsage = { entries: number; cpuSeconds: number; peakBytes: number };

const [task = "", file = "", stateDir = ""] = process.argv.slice(2);
const PIECE = 64 * 1024;

/** Without the start of the process, whose modules and compiling are nobody's parse rate. */
async function parse(): Promise<ParseUsage> {
  const before = process.cpuUsage();
  let entries = 0;
  const parser = createLogParser(() => {
    entries += 1;
  });
  for await (const piece of createReadStream(file, { highWaterMark: PIECE })) parser.write(piece as Buffer);
  parser.end();
  const { user, system } = process.cpuUsage(before);
  return { entries, cpuSeconds: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

async function watch(): Promise<void> {
  const settings = aomeiSettings.parse({ result_logs: [{ path: file }] });
  const spool = openSpool(stateDir);
  const ending = new AbortController();
  process.once("SIGTERM", () => ending.abort());
  const log = (level: string, message: string): void => {
    process.stderr.write(`${level}: ${message}\n`);
  };
  await watchAomei({ settings: () => settings, spool, stateDir, now: () => new Date(), log }, ending.signal);
  spool.close();
}

if (task === "parse") process.stdout.write(JSON.stringify(await parse()));
else await watch();
