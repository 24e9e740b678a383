import { DAY_MS, keyOf, type Rule } from "../point.ts";

export const age: Rule = ({ readings, rules: { keep_days: days }, now }) => {
  if (days === undefined) return [];
  return readings.flatMap((reading) =>
    reading
      .map(({ point, at }) => ({ point, until: new Date(at.getTime() + days * DAY_MS) }))
      .filter(({ until }) => until > now)
      .map(({ point, until }) => ({ key: keyOf(point), rule: "age", text: `not yet ${days} days old`, until })),
  );
};
