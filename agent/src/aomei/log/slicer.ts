/**
 * Finds the `Log` elements in a stream of text, so that damage spoils the one it is in and no other. Knows as much of
 * XML as that takes: comments and CDATA hide what is in them, a DTD is stepped over. Holds at most one element.
 */
import { elide } from "./elide.ts";

export type SliceSink = {
  /** One whole element, `<Log …>…</Log>`; `offset`: characters of text before it. */
  slice(text: string, offset: number): void;
  finding(code: string, message: string, offset: number): void;
};

export type Slicer = {
  write(text: string): void;
  /** Says what is unfinished at the end of the text. */
  end(): void;
  /** Characters of text up to the end of the last whole element. */
  lastEnd(): number;
  /** Whether the document was begun and ended. */
  root(): { opened: boolean; closed: boolean };
};

/** The largest element or comment that is waited for, in characters. */
const MAX_ENTRY = 512 * 1024;
/** The midst of very long texts goes from here on, so that little is carried along. */
const ELIDED_FROM = 128 * 1024;
/** No token below is longer: what lies further back was looked at for good. */
const LONGEST_TOKEN = 32;
const TOKEN = /<(?:Log(?=[\s/>])|\/Log\s{0,16}>|!--|!\[CDATA\[|!DOCTYPE|\/?BRLog(?=[\s/>]))/g;
const EMPTY_ELEMENT = /^<Log[^<]*\/>\s*$/;

type Hidden = { closer: RegExp; what: string };
const HIDDEN: Readonly<Record<string, Hidden>> = {
  "<!--": { closer: /-->/g, what: "a comment" },
  "<![CDATA[": { closer: /\]\]>/g, what: "a CDATA section" },
  "<!DOCTYPE": { closer: /\]\s{0,16}>/g, what: "a DTD" },
};
const PLAIN_DTD = /<!DOCTYPE[^[<>]*>/y;

type State = {
  text: string;
  /** Characters before `text`. */
  base: number;
  /** Everything before was looked at. */
  at: number;
  /** Where the element begins that is not finished; -1: outside. */
  start: number;
  lastEnd: number;
  opened: boolean;
  closed: boolean;
  /** By closer: so far it was looked for and not found, which must not be done once for every opener. */
  searched: Map<Hidden, number>;
};

export function createSlicer(sink: SliceSink): Slicer {
  const state: State = {
    ...{ text: "", base: 0, at: 0, start: -1, lastEnd: 0, opened: false, closed: false, searched: new Map() },
  };
  return {
    write: (text) => {
      state.text = state.text === "" ? text : state.text + text;
      scan(state, sink, false);
      shorten(state, sink);
    },
    end: () => {
      scan(state, sink, true);
      if (state.start >= 0) unfinished(state, sink, state.text.length, "TRUNCATED");
      state.start = -1;
    },
    lastEnd: () => state.lastEnd,
    root: () => ({ opened: state.opened, closed: state.closed }),
  };
}

function scan(state: State, sink: SliceSink, ending: boolean): void {
  for (;;) {
    TOKEN.lastIndex = state.at;
    const found = TOKEN.exec(state.text);
    if (found === null) break;
    const [token] = found;
    const hidden = HIDDEN[token];
    if (hidden !== undefined) {
      if (!stepOver(state, sink, { hidden, token, from: found.index, ending })) return;
      continue;
    }
    state.at = found.index + token.length;
    if (token.startsWith("</Log")) endElement(state, sink, found.index);
    else if (token === "<Log") {
      unfinished(state, sink, found.index, "UNFINISHED_ENTRY");
      state.start = found.index;
    } else rootTag(state, sink, found.index, token);
  }
  state.at = Math.max(state.at, state.text.length - LONGEST_TOKEN);
}

function rootTag(state: State, sink: SliceSink, index: number, token: string): void {
  unfinished(state, sink, index, "UNFINISHED_ENTRY");
  state.start = -1;
  state.opened = true;
  state.closed = token.startsWith("</");
}

function endElement(state: State, sink: SliceSink, index: number): void {
  const { start, text, base, at } = state;
  state.start = -1;
  state.lastEnd = base + at;
  if (start >= 0) give(sink, text.slice(start, at), base + start);
  else sink.finding("STRAY_TEXT", "an entry ends that did not begin", base + index);
}

function give(sink: SliceSink, raw: string, offset: number): void {
  const slice = raw.length > MAX_ENTRY ? elide(raw) : raw;
  if (slice.length > MAX_ENTRY) tooLarge(sink, offset);
  else sink.slice(slice, offset);
}

/** An element that another one interrupts; `<Log/>` is none. */
function unfinished(state: State, sink: SliceSink, until: number, code: string): void {
  const { start, base, text } = state;
  if (start < 0) return;
  const rest = text.slice(start, until);
  if (EMPTY_ELEMENT.test(rest)) {
    state.lastEnd = base + until;
    give(sink, rest, base + start);
    return;
  }
  sink.finding(code, code === "TRUNCATED" ? "the log ends within an entry" : "an entry has no end", base + start);
}

/** Moves past what is hidden. False: its end has yet to come. What never ends is taken for ordinary text. */
function stepOver(
  state: State,
  sink: SliceSink,
  { hidden, token, from, ending }: { hidden: Hidden; token: string; from: number; ending: boolean },
): boolean {
  const { text, base } = state;
  const until = endOfHidden(state, hidden, token, from);
  const isTooLong = (until ?? text.length) - from > MAX_ENTRY && !isLongEntry(state, from, until);
  if (until !== null && !isTooLong) {
    if (token === "<!DOCTYPE") sink.finding("DTD_REFUSED", "the log declares a DTD: it is not used", base + from);
    state.at = until;
    return true;
  }
  state.at = from;
  if (!ending && !isTooLong) return false;
  sink.finding("NEVER_ENDS", `${hidden.what} has no end`, base + from);
  state.at = from + token.length;
  return true;
}

/** Within an entry a long text is no reason to give up: its midst is left out later. */
function isLongEntry({ text, start }: State, from: number, until: number | null): boolean {
  return start >= 0 && elide(text.slice(from, until ?? text.length)).length <= MAX_ENTRY;
}

function endOfHidden({ text, searched }: State, hidden: Hidden, token: string, from: number): number | null {
  PLAIN_DTD.lastIndex = from;
  if (token === "<!DOCTYPE" && PLAIN_DTD.test(text)) return PLAIN_DTD.lastIndex;
  const { closer } = hidden;
  closer.lastIndex = Math.max(from + token.length, searched.get(hidden) ?? 0);
  if (closer.test(text)) return closer.lastIndex;
  searched.set(hidden, Math.max(0, text.length - LONGEST_TOKEN));
  return null;
}

/** Lets go of what is done, and of the midst of very long texts. */
function shorten(state: State, sink: SliceSink): void {
  const keep = state.start >= 0 ? state.start : state.at;
  if (keep > 0) forget(state, keep);
  if (state.start < 0 || state.text.length <= ELIDED_FROM) return;
  const shorter = elide(state.text);
  const gone = state.text.length - shorter.length;
  if (shorter.length > MAX_ENTRY) {
    tooLarge(sink, state.base);
    state.start = -1;
    forget(state, Math.max(0, state.text.length - LONGEST_TOKEN));
    return;
  }
  state.text = shorter;
  state.base += gone;
  state.at = Math.max("<Log".length, shorter.length - LONGEST_TOKEN);
  state.searched.clear();
}

function forget(state: State, count: number): void {
  state.text = state.text.slice(count);
  state.base += count;
  state.at = Math.max(0, state.at - count);
  if (state.start >= 0) state.start -= count;
  for (const [hidden, until] of state.searched) state.searched.set(hidden, Math.max(0, until - count));
}

function tooLarge(sink: SliceSink, offset: number): void {
  sink.finding("ENTRY_TOO_LARGE", `an entry is larger than ${MAX_ENTRY} characters: it is left out`, offset);
}
