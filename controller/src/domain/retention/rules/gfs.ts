/** Days, weeks and months of the calendar; only those that hold a backup are counted, so a host that was away loses nothing. */
import { type Period, periodOf } from "../periods.ts";
import { keyOf, type Reading, type Rule, type Vote } from "../point.ts";

export const gfs: Rule = ({ readings, rules, zone }) => {
  if (rules.gfs === undefined) return [];
  const { daily, weekly, monthly } = rules.gfs;
  return readings.flatMap((reading) => [
    ...ofNewest(reading, { period: "day", most: daily, zone, whole: true }),
    ...ofNewest(reading, { period: "week", most: weekly, zone, whole: false }),
    ...ofNewest(reading, { period: "month", most: monthly, zone, whole: false }),
  ]);
};

const RULE_OF = { day: "daily", week: "weekly", month: "monthly" } as const;

type Part = { period: Period; most: number; zone: string; whole: boolean };

/** All of the newest periods (`whole`), or the newest of each. */
function ofNewest(reading: Reading, { period, most, zone, whole }: Part): Vote[] {
  const held = new Map<string, Reading[number][]>();
  for (const one of reading) {
    const name = periodOf(period, zone, one.at);
    const known = held.get(name);
    if (known !== undefined) known.push(one);
    else if (held.size < most) held.set(name, [one]);
    else break;
  }
  return [...held].flatMap(([name, ones], index) =>
    (whole ? ones : ones.slice(0, 1)).map(({ point }) => ({
      key: keyOf(point),
      rule: RULE_OF[period],
      text: `${whole ? "of" : "the newest of"} ${name}, ${period} ${index + 1} of ${most}`,
      until: null,
    })),
  );
}
