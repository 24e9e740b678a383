/** Numbers and times as people read them, and nothing that could steer a terminal. */
import { styleText } from "node:util";
import { usageError } from "./failure.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** `1.5 GiB`; `-` for none. */
export function bytesText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "-";
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** `0.42 s`, `7.1 s`, `3 min 5 s`, `2 h 10 min`; `-` for none. */
export function secondsText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 60) return `${seconds < 1 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `2026-05-01 10:00:00Z`; `-` for none. */
export function timeText(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? "-" : iso.replace("T", " ").replace(/(?:\.\d+)?Z$/, "Z");
}

/** What hosts and people named, without control characters; `-` for none. */
export function plainText(text: string | null | undefined): string {
  return text === null || text === undefined || text === ""
    ? "-"
    : text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "�");
}

const COLUMN_WIDTH = 80;

/** `plainText` that fits into a column: what is left out is marked. */
export function shortText(text: string | null | undefined): string {
  const characters = [...plainText(text)];
  return characters.length <= COLUMN_WIDTH
    ? characters.join("")
    : `${characters
        .slice(0, COLUMN_WIDTH - 1)
        .join("")
        .trimEnd()}…`;
}

/** How far a clock is off, from the milliseconds that it is ahead; less than can be measured is `right`. */
export function clockText(aheadMs: number | null | undefined): string {
  if (aheadMs === null || aheadMs === undefined) return "-";
  if (Math.abs(aheadMs) < 10) return "right";
  return `${secondsText(Math.abs(aheadMs) / 1000)} ${aheadMs > 0 ? "ahead" : "behind"}`;
}

const COLOURS: Readonly<Record<string, "green" | "red" | "yellow">> = {
  ...{ passed: "green", completed: "green", done: "green", ready: "green", connected: "green" },
  ...{ ran: "green", delivered: "green", applied: "green", good: "green", missed: "red", critical: "red" },
  ...{ warning: "yellow", ran_late: "yellow", waiting: "yellow", needed: "yellow", unknown: "yellow" },
  ...{ failed: "red", lost: "red", damaged: "red", revoked: "red", refused: "red", expired: "red", absent: "red" },
  ...{ inconclusive: "yellow", skipped: "yellow", error: "yellow", cancelled: "yellow", away: "yellow" },
};

/** A word of state in its colour; plain where standard output is no terminal or NO_COLOR is set. */
export function stateWord(word: string | null | undefined): string {
  const plain = plainText(word);
  const colour = COLOURS[plain];
  return colour === undefined ? plain : styleText(colour, plain, { stream: process.stdout });
}

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds from `90`, `90s`, `30m`, `12h`, `7d`. BAD_REQUEST for anything else. */
export function parseSeconds(text: string, option: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd]?)$/i.exec(text.trim()) ?? [];
  const seconds = Number(number) * (SECONDS_OF[unit?.toLowerCase() || "s"] ?? Number.NaN);
  if (seconds > 0) return seconds;
  throw usageError(`${option} takes a time, not ${JSON.stringify(text)}`, "Give a number with s, m, h or d: 12h.");
}

/** A whole number in its range. BAD_REQUEST for anything else. */
export function parseCount(text: string, option: string, [least, most]: [number, number]): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usageError(`${option} takes a number from ${least} to ${most}, not ${JSON.stringify(text)}`, "Correct it.");
}
