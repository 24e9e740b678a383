/** What a program writes, kept in a file of bounded size, and its newest lines at hand. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

const MAX_BYTES = 8 * 2 ** 20;
const NEWEST_LINES = 20;

export type LogFile = {
  write: (text: string) => void;
  /** The newest lines, oldest first. */
  newest: () => string[];
  close: () => void;
};

/** Appends to `path`; what is older than the newest 8 MiB stands in `path.1`, what is older than that is gone. */
export function openLogFile(path: string): LogFile {
  let file = openSync(path, "a", 0o600);
  let size = fstatSync(file).size;
  let newest: string[] = [];
  let rest = "";
  return {
    write: (text) => {
      if (size > MAX_BYTES) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = openSync(path, "a", 0o600);
        size = 0;
      }
      size += writeSync(file, text);
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      newest = [...newest, ...lines.filter((line) => line !== "")].slice(-NEWEST_LINES);
    },
    newest: () => [...newest, ...(rest === "" ? [] : [rest])],
    close: () => closeSync(file),
  };
}
