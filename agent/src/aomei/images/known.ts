/** What was told of each image, as it is remembered. */
import type { AomeiImage } from "@holdfast/protocol";
import type { ToldFact } from "../../spool/told.ts";
import type { AomeiFacts } from "../facts.ts";
import type { ImageEnds } from "./inspect.ts";

/** `ends` is null when the file could not be read. */
export type KnownImage = { image: AomeiImage; modifiedMs: number; ends: ImageEnds | null; generation: number };

const PREFIX = "aomei/image/";

export const imageSubject = (path: string): string => PREFIX + path;

export function knownImages(facts: AomeiFacts, folder: string): Map<string, KnownImage> {
  const known = facts.told(PREFIX).map(({ state, generation }) => {
    const kept = JSON.parse(state) as Omit<KnownImage, "generation">;
    return { ...kept, generation };
  });
  return new Map(known.filter(({ image }) => image.folder === folder).map((one) => [one.image.path, one]));
}

export function imageFact({ image, modifiedMs, ends }: KnownImage, generation: number): ToldFact {
  return { subject: imageSubject(image.path), generation, state: JSON.stringify({ image, modifiedMs, ends }) };
}
