import { DAY_MS, keyOf, type Rule } from "../point.ts";

/** Until a day that was promised, or for so many days as the policy says. */
export const immutable: Rule = ({ points, readings, rules: { immutable_days: days }, promised }) => [
  ...points.flatMap((point) =>
    point.immutableUntil !== null && point.immutableUntil > promised
      ? [{ key: keyOf(point), rule: "immutable", text: "promised not to be removed", until: point.immutableUntil }]
      : [],
  ),
  ...readings.flatMap((reading) =>
    reading.flatMap(({ point, at }) => {
      const until = new Date(at.getTime() + (days ?? 0) * DAY_MS);
      return until > promised && days !== undefined
        ? [{ key: keyOf(point), rule: "immutable", text: `immutable for ${days} days`, until }]
        : [];
    }),
  ),
];
