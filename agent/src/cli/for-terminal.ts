const ESCAPE = "\u001b";
/** The colours that `stateWord` gives, and every control character but the ends of lines and tabs; also of direction. */
const CONTROLS = new RegExp(`(${ESCAPE}\\[3[1239]m)|[^\\P{Cc}\\n\\t]|\\p{Bidi_Control}`, "gu");

/** Names and paths come from elsewhere: what in them would move a terminal's cursor, or turn text around, is a space. */
export function forTerminal(text: string): string {
  return text.replace(CONTROLS, (_, colour?: string) => colour ?? " ");
}
