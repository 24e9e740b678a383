/** A result log in the vendor's shape, as large as is wished. */
import { open } from "node:fs/promises";

export const LOG_END = "</BRLog>\r\n";
const TASKS = 40;
const PIECE = 1024 * 1024;

const BEGIN_SECONDS = 1_735_689_600;
const PAUSE_SECONDS = 150;

/** The task and the end of one run. */
export function runOf(n: number): { task: string; seconds: number } {
  return { task: `Sauvegarde_systeme_PC${n % TASKS}`, seconds: BEGIN_SECONDS + n * PAUSE_SECONDS };
}

/** One run of a task; every seventh fails. */
export function entryText(n: number): string {
  const isGood = n % 7 !== 0;
  const { task, seconds } = runOf(n);
  const id = `{97c17e9b-0c41-466b-bfad-e319dcee6b${(n % TASKS).toString(16).padStart(2, "0")}}`;
  const lines = [
    `    <Log ID="${id}">`,
    `        <Time>${seconds}</Time>`,
    `        <Task>${task}</Task>`,
    "        <Operation>Sauvegarde complète</Operation>",
    `        <Result>${isGood ? "Succès" : "Echec"}</Result>`,
    `        <ResultCode>${isGood ? 0 : 4103}</ResultCode>`,
    `        <Detail>${isGood ? "Operation completed." : "Failed to write file."}</Detail>`,
    "    </Log>",
  ];
  return `${lines.join("\r\n")}\r\n`;
}

/** Answers how many entries fit. */
export async function makeLog(path: string, bytes: number): Promise<number> {
  await using file = await open(path, "w");
  let text = '<?xml version="1.0" encoding="UTF-8"?>\r\n<BRLog>\r\n';
  let count = 0;
  for (let written = 0; written < bytes; count++) {
    const entry = entryText(count);
    text += entry;
    written += Buffer.byteLength(entry);
    if (text.length < PIECE) continue;
    await file.write(text);
    text = "";
  }
  await file.write(text + LOG_END);
  return count;
}
