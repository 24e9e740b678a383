import { byChain, keyOf, type Rule } from "../point.ts";

/** By every order that there is: whatever any clock says, so many of the newest stay. */
export const floor: Rule = ({ points, readings, rules: { min_points: least } }) => {
  const orders = [points.toSorted(byChain), ...readings.map((reading) => reading.map(({ point }) => point))];
  const text = `at least ${least} stay`;
  return orders.flatMap((order) =>
    order.slice(0, least).map((point) => ({ key: keyOf(point), rule: "floor", text, until: null })),
  );
};
