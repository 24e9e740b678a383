import { keyOf, type Rule } from "../point.ts";

export const count: Rule = ({ readings, rules: { keep_last: last } }) => {
  if (last === undefined) return [];
  const text = `one of the newest ${last}`;
  return readings.flatMap((reading) =>
    reading.slice(0, last).map(({ point }) => ({ key: keyOf(point), rule: "count", text, until: null })),
  );
};
