import { keyOf, type Rule } from "../point.ts";

export const inUse: Rule = ({ points }) =>
  points.flatMap((point) =>
    point.inUse === null ? [] : [{ key: keyOf(point), rule: "in_use", text: point.inUse, until: null }],
  );
