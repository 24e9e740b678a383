/** What the ends of images say, each seen beside the others. */
import type { AomeiImage } from "@holdfast/protocol";
import type { ImageEnds, ImagePart } from "./inspect.ts";

export type Verdict = Pick<AomeiImage, "state" | "reason" | "checksum">;

/** A layout is believed when so many images have it. */
const ENOUGH = 2;

/** The layouts that images of one shape share: where the format has its sums, as far as these images show it. */
export function learnLayouts(images: readonly ImageEnds[]): (part: "head" | "tail", shape: string) => string[] {
  const counts = new Map<string, number>();
  for (const ends of images)
    for (const part of ["head", "tail"] as const)
      for (const layout of ends[part].layouts) {
        const name = `${part} ${ends[part].shape} ${layout}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
  return (part, shape) => {
    const prefix = `${part} ${shape} `;
    const known = [...counts].filter(([name, count]) => count >= ENOUGH && name.startsWith(prefix));
    return known.map(([name]) => name.slice(prefix.length));
  };
}

export function judgeImage(ends: ImageEnds, learned: ReturnType<typeof learnLayouts>): Verdict {
  const { head, tail } = ends;
  if (!head.magic)
    return { state: "unrecognised", reason: "it does not begin as an image of AOMEI does", checksum: "unproven" };
  if (!tail.magic) return { state: "truncated", reason: "its end is missing", checksum: "unproven" };
  const sums = [sumOf(head, learned("head", head.shape)), sumOf(tail, learned("tail", tail.shape))];
  if (sums.includes("failed"))
    return { state: "damaged", reason: "a CRC-32 of its structures does not fit", checksum: "failed" };
  return { state: "complete", reason: null, checksum: sums[1] === "passed" ? "passed" : "unproven" };
}

function sumOf({ layouts }: ImagePart, learned: readonly string[]): Verdict["checksum"] {
  if (layouts.length > 0) return "passed";
  return learned.length > 0 ? "failed" : "unproven";
}
