/** What a program writes, kept in a file of bounded size, and its newest lines at hand. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

const MAX_BYTES = 8 * 2 ** 20;
const NEWEST_LINES = 20;
/** Access tokens, of which the controller shows the first one to whoever started it, enrolment tokens and API keys. */
const SECRET = /\beyJ[\w-]+\.[\w-]+\.[\w-]+|\bhf[ek]1\.[\w.-]+/g;

export type LogFile = {
  /** A line is written once it is whole. */
  write: (text: string) => void;
  /** The newest lines since the last `begin`, oldest first. */
  newest: () => string[];
  /** A new process writes from here on. */
  begin: () => void;
  close: () => void;
};

/** Appends to `path`; what is older than the newest 8 MiB stands in `path.1`, what is older than that is gone. */
export function openLogFile(path: string): LogFile {
  let file = openSync(path, "a", 0o600);
  let size = fstatSync(file).size;
  let newest: string[] = [];
  let rest = "";
  const writeLine = (line: string): void => {
    if (size > MAX_BYTES) {
      closeSync(file);
      renameSync(path, `${path}.1`);
      file = openSync(path, "a", 0o600);
      size = 0;
    }
    const clean = line.replace(SECRET, "[secret]");
    size += writeSync(file, `${clean}\n`);
    if (clean !== "") newest = [...newest, clean].slice(-NEWEST_LINES);
  };
  return {
    write: (text) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) writeLine(line);
    },
    newest: () => [...newest, ...(rest === "" ? [] : [rest.replace(SECRET, "[secret]")])],
    begin: () => {
      if (rest !== "") writeLine(rest);
      rest = "";
      newest = [];
    },
    close: () => {
      if (rest !== "") writeLine(rest);
      closeSync(file);
    },
  };
}
