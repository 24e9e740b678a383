const UNITS = [
  [86_400_000, "days"],
  [3_600_000, "hours"],
  [60_000, "minutes"],
  [1000, "seconds"],
] as const;

/** A time span for people, in its largest unit that is not below one and a half: `36 hours`, `2 days`. */
export function spanText(ms: number): string {
  if (!Number.isFinite(ms)) return "for ever";
  const [size, name] = UNITS.find(([unit]) => ms >= unit * 1.5) ?? [1000, "seconds"];
  return `${Math.round((ms / size) * 10) / 10} ${name}`;
}
