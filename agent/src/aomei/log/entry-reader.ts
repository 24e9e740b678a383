/** Reads one `Log` element. The library refuses what XML refuses; entities and DTDs do not exist here. */
import { SaxesParser, type SaxesTagPlain } from "saxes";
import { type EntryFields, FIELD_LIMITS, type FieldName, fieldNamed } from "./entry.ts";

export type EntryProblem = { code: string; message: string };
/** `fields` is null when the element is broken, so that its texts may stand in the wrong place. */
export type ReadElement = { fields: EntryFields | null; problems: EntryProblem[] };

/** What is wrong inside one text, whose place in the entry is certain all the same. */
const HARMLESS = [
  { words: /undefined entity|character in entity name/, code: "ENTITY_REFUSED" },
  { words: /^disallowed character\.|malformed character entity|disallowed in char data/, code: "BAD_CHARACTER" },
];

/** Without namespaces. */
type Plain = { fragment: true; position: false; xmlns?: false };

type Reading = {
  /** Whether the element's own tag was read: a quote that is never closed hides all of it. */
  isOpened: boolean;
  depth: number;
  /** The element that is open, and which field that is. */
  name: string;
  field: FieldName | undefined;
  value: string;
  fields: EntryFields;
  problems: EntryProblem[];
  isBroken: boolean;
};

/** A reader of elements, one after the other. */
export function createEntryReader(): (element: string) => ReadElement {
  let reading = begin();
  let parser = build(() => reading);
  return (element) => {
    reading = begin();
    parser.write(element);
    const isWhole = reading.isOpened && reading.depth === 0 && !reading.isBroken;
    // Which state it is in after an error is its own business.
    if (!isWhole || reading.problems.length > 0) parser = build(() => reading);
    if (!isWhole && !reading.isBroken)
      reading.problems.push({ code: "BAD_ENTRY", message: "an entry's tags do not match" });
    return { fields: isWhole ? reading.fields : null, problems: reading.problems };
  };
}

const begin = (): Reading => ({
  isOpened: false,
  depth: 0,
  name: "",
  field: undefined,
  value: "",
  fields: {},
  problems: [],
  isBroken: false,
});

function build(current: () => Reading): SaxesParser<Plain> {
  const parser = new SaxesParser<Plain>({ fragment: true, position: false });
  parser.on("opentag", (tag) => open(current(), tag));
  parser.on("text", (text) => addText(current(), text));
  parser.on("cdata", (text) => addText(current(), text));
  parser.on("closetag", () => close(current()));
  parser.on("error", ({ message }) => {
    const reading = current();
    const harmless = HARMLESS.find(({ words }) => words.test(message));
    if (harmless === undefined) reading.isBroken = true;
    if (reading.problems.length < 10)
      reading.problems.push({ code: harmless?.code ?? "BAD_ENTRY", message: `an entry is not as XML is: ${message}` });
  });
  return parser;
}

function open(reading: Reading, { name, attributes }: SaxesTagPlain): void {
  reading.depth += 1;
  if (reading.depth === 1) {
    reading.isOpened = true;
    const id = attributes["ID"];
    if (id !== undefined) put(reading, "ID", id);
    return;
  }
  if (reading.depth === 2) {
    reading.name = name;
    reading.field = fieldNamed(name);
    reading.value = "";
  } else if (reading.value.trim() !== "") reading.value += "\n";
}

function addText(reading: Reading, text: string): void {
  if (reading.depth < 2 || reading.field === undefined) return;
  const room = FIELD_LIMITS[reading.field] + 1 - reading.value.length;
  // Blank texts before the first words would use the room up; the field is trimmed in the end.
  const added = reading.value === "" ? text.trimStart() : text;
  if (room > 0) reading.value += added.length > room ? added.slice(0, room) : added;
}

function close(reading: Reading): void {
  reading.depth -= 1;
  if (reading.depth !== 1) return;
  const { name, field, value } = reading;
  if (field !== undefined) put(reading, field, value);
  else reading.problems.push({ code: "UNKNOWN_ELEMENT", message: `the element ${name.slice(0, 60)} is not known` });
}

function put(reading: Reading, name: FieldName, given: string): void {
  const value =
    given.length > FIELD_LIMITS[name] ? `${given.slice(0, FIELD_LIMITS[name] - 1).toWellFormed()}…` : given.trim();
  const before = reading.fields[name];
  if (value === "") return;
  if (before === undefined) reading.fields[name] = value;
  else if (before !== value)
    reading.problems.push({ code: "TWICE", message: `an entry has two of ${name}: the first one counts` });
}
