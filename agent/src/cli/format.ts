/** Numbers and times as people read them. */
import { styleText } from "node:util";
import { usageError } from "./answer.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** `1.5 GiB` */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** `0.42 s`, `7.1 s`, `3 min 5 s`, `2 h 10 min` */
export function secondsText(seconds: number): string {
  if (seconds < 60) return `${seconds < 1 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `1 backup`, `2 backups` */
export function countText(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** `2026-05-01 10:00:00Z` */
export function timeText(iso: string): string {
  return iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

const COLOURS: Readonly<Record<string, "green" | "red" | "yellow">> = {
  passed: "green",
  drilled: "green",
  verified: "green",
  completed: "green",
  found: "green",
  ok: "green",
  failed: "red",
  lost: "red",
  missing: "red",
  damaged: "red",
  unreadable: "red",
  unproven: "yellow",
  made: "yellow",
  inconclusive: "yellow",
  skipped: "yellow",
  error: "yellow",
  cancelled: "yellow",
  none: "yellow",
  busy: "yellow",
};

/** A word of state in its colour; plain where standard output is no terminal or NO_COLOR is set. */
export function stateWord(word: string): string {
  const colour = COLOURS[word];
  return colour === undefined ? word : styleText(colour, word, { stream: process.stdout });
}

/** Bytes a second from `20M`, `1.5GiB`, `4096`. BAD_REQUEST for anything else. */
export function parseBytes(text: string, option: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const bytes = Number(found?.[1]) * 1024 ** "_KMGT".indexOf(found?.[2]?.toUpperCase() || "_");
  if (found !== null && bytes >= 1) return Math.round(bytes);
  throw usageError(`${option} takes a size, not ${JSON.stringify(text)}`, "Give bytes, or a number with K, M, G or T.");
}
