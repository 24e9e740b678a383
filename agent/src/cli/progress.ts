/** One line of progress on standard error, only when that is a terminal. */
import { bytesText } from "./format.ts";

export type Progress = {
  /** `done` and `total` in bytes; `total` may be 0 while it is unknown. */
  update: (label: string, done: number, total: number) => void;
  /** Takes the line away, so that other text can be written. */
  clear: () => void;
};

const REDRAW_MS = 100;
const BAR_WIDTH = 24;

/** Draws at most ten times a second. With `quiet` (`--json`) or without a terminal it does nothing. */
export function createProgress(stream: NodeJS.WriteStream, quiet: boolean): Progress {
  if (quiet || !stream.isTTY) return { update: () => undefined, clear: () => undefined };
  let drawnAt = 0;
  let drawn = false;
  let begun = { label: "", at: 0 };
  return {
    update: (label, done, total) => {
      const now = performance.now();
      if (label !== begun.label) begun = { label, at: now };
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      drawn = true;
      const seconds = (now - begun.at) / 1000;
      stream.write(`\r\u001b[K${progressLine(label, done, total, seconds).slice(0, (stream.columns ?? 80) - 1)}`);
    },
    clear: () => {
      if (drawn) stream.write("\r\u001b[K");
      drawn = false;
    },
  };
}

/** `web-1 disk 0: copy [######      ] 25 %  1.0 GiB of 4.0 GiB  512 MiB/s` */
export function progressLine(label: string, done: number, total: number, seconds: number): string {
  const part = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(part * BAR_WIDTH);
  const bar = `[${"#".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
  const speed = seconds > 0.5 ? `  ${bytesText(done / seconds)}/s` : "";
  return `${label} ${bar}  ${bytesText(done)}${total > 0 ? ` of ${bytesText(total)}` : ""}${speed}`;
}
