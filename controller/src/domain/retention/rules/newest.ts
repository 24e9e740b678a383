import { byChain, keyOf, type Rule } from "../point.ts";

export const newest: Rule = ({ points, readings }) => {
  const firsts = [points.toSorted(byChain)[0], ...readings.map(([first]) => first?.point)];
  return firsts.flatMap((point) =>
    point === undefined ? [] : [{ key: keyOf(point), rule: "newest", text: "the newest of its disk", until: null }],
  );
};
