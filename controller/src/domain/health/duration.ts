const UNITS = [
  { unit: "d", seconds: 86_400, from: 2 * 86_400 },
  { unit: "h", seconds: 3600, from: 3600 },
  { unit: "min", seconds: 60, from: 120 },
] as const;
const SMALLER = { d: { unit: "h", seconds: 3600 }, h: { unit: "min", seconds: 60 }, min: { unit: "s", seconds: 1 } };

/** For people, in two units: a time and its limit that are not the same do not read the same, or hardly ever. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const fitting = UNITS.find(({ from }) => whole >= from);
  if (fitting === undefined) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : whole} s`;
  const { unit, seconds: one } = fitting;
  const { unit: smaller, seconds: part } = SMALLER[unit];
  const rest = Math.floor((whole % one) / part);
  return `${Math.floor(whole / one)} ${unit}${rest === 0 ? "" : ` ${rest} ${smaller}`}`;
}
