/**
 * The same text in memory of its own. V8 keeps a piece of a text as a place within the whole, so that one short name,
 * remembered, holds all that was read with it.
 */
export function ownText(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
