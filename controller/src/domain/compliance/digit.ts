/** One digit of 3-2-1-1-0: what it asks for, what was found, and until when that is true. */
export type Digit = {
  digit: "copies" | "media" | "off_site" | "offline_or_immutable" | "errors";
  wanted: number;
  counted: number;
  holds: boolean;
  evidence: string[];
  /** RFC 3339; null: as long as nothing happens. */
  true_until: string | null;
};
