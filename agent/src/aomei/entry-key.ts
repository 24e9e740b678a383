import { hash } from "node:crypto";
import type { ParsedEntry } from "./log/entry.ts";

/** sha256 of all that an entry says, hex. The same entry in a copy of the log, or in another encoding, has the same. */
export function entryKey({ entry, timeText, codeText }: ParsedEntry): string {
  const { id, task, operation, result, detail } = entry;
  return hash("sha256", JSON.stringify([id, timeText, task, operation, result, codeText, detail]), "hex");
}

/** Of a run in a text log: `nth` counts the same text in the same file, which may come again and again. */
export function textRunKey(fileName: string, text: string, nth: number): string {
  return hash("sha256", JSON.stringify(["text", fileName, text, nth]), "hex");
}
