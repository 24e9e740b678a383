/** How reports write things. */
import { percentText } from "../../domain/health/percent.ts";

export function percent(rate: number | null): string {
  return rate === null ? "not proven" : percentText(rate);
}

export function moment(at: Date | null): string {
  return at === null ? "never" : at.toISOString().slice(0, 16).replace("T", " ");
}

/** Decimal units, as makers of disks have them. */
export function bytes(size: number): string {
  const power = size < 1 ? 0 : Math.min(5, Math.floor(Math.log10(size) / 3));
  const unit = ["B", "kB", "MB", "GB", "TB", "PB"][power] ?? "B";
  return `${(size / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${unit}`;
}

/** `one` for 1, else with an s. */
export function counted(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}
