import { byChain, keyOf, type Point, type Rule } from "../point.ts";

/** The last that is known to be good, by the order of the backups and by the order of the proofs; doubted ones do not count for it. */
export const proven: Rule = ({ points, readings }) => {
  const orders = [points.toSorted(byChain), ...readings.map((reading) => reading.map(({ point }) => point))];
  const sound = (point: Point) => !point.doubted;
  return (["verifiedAt", "drilledAt"] as const).flatMap((field) => {
    const latest = points.toSorted((a, b) => timeOf(b[field]) - timeOf(a[field]) || byChain(a, b));
    const passed = [...orders, latest].map((order) => order.filter((point) => point[field] !== null));
    const found = passed.flatMap((order) => [order[0], order.find(sound)]);
    const text = field === "verifiedAt" ? "the last that was verified" : "the last that was drilled";
    return found.flatMap((point) =>
      point === undefined ? [] : [{ key: keyOf(point), rule: "proven", text, until: null }],
    );
  });
};

function timeOf(at: Date | null): number {
  return at?.getTime() ?? Number.NEGATIVE_INFINITY;
}
