/** How reports write things. */

export function percent(rate: number | null): string {
  return rate === null ? "not proven" : `${(rate * 100).toFixed(rate === 1 ? 0 : 1)} %`;
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

const UNITS = [
  { unit: "d", seconds: 86_400 },
  { unit: "h", seconds: 3600 },
  { unit: "min", seconds: 60 },
] as const;

/** In its largest fitting unit. */
export function duration(seconds: number): string {
  const fitting = UNITS.find((each) => seconds >= 2 * each.seconds);
  return fitting === undefined
    ? `${Math.round(seconds)} s`
    : `${Math.round(seconds / fitting.seconds)} ${fitting.unit}`;
}

/** `one` for 1, else with an s. */
export function counted(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}
