/** A process of its own that parses a log. */
import { createReadStream } from "node:fs";
import { createLogParser } from "../../../agent/src/aomei/log/parse-log.ts";

export type ParseUsage = { entries: number; cpuSeconds: number; peakBytes: number };

const [file = ""] = process.argv.slice(2);
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

process.stdout.write(JSON.stringify(await parse()));
