import { keyOf, type Rule } from "../point.ts";

export const holds: Rule = ({ points }) =>
  points.flatMap((point) =>
    point.held.map((reason) => ({ key: keyOf(point), rule: "hold", text: `held: ${reason}`, until: null })),
  );
