/** More than any field keeps, so that what is left out here was never wanted. */
const KEPT_HEAD = 20_000;
/** Holds a `]]>` or `-->` that a text ends with. */
const KEPT_TAIL = 64;
const LONG_RUN = new RegExp(`[^<]{${KEPT_HEAD + KEPT_TAIL + 1},}`, "g");

/** Takes the midst out of every very long text without markup. Doing it again, as more comes, changes nothing else. */
export function elide(text: string): string {
  return text.replace(LONG_RUN, (run) => run.slice(0, KEPT_HEAD) + run.slice(-KEPT_TAIL));
}
