import { keyOf, type Rule } from "../point.ts";

export const pins: Rule = ({ points }) =>
  points
    .filter(({ pinned }) => pinned)
    .map((point) => ({ key: keyOf(point), rule: "pin", text: "pinned by a person", until: null }));
