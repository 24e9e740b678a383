/** A schema as rows of a table, one for each of its fields, inner ones below the outer. */
import type { Schema } from "./document.ts";

/** `ref`: the named type that it is, or is a list of. */
export type FieldRow = {
  name: string;
  type: string;
  ref: string | null;
  required: boolean;
  notes: string[];
};

/** Types of ours hardly go deeper, and one that holds itself would never end. */
const DEEPEST = 4;

export function fieldRows(schema: Schema, prefix = "", depth = 0): FieldRow[] {
  if (depth > DEEPEST) return [];
  const inner = innerOf(schema);
  if (inner.properties === undefined) return [];
  return Object.entries(inner.properties).flatMap(([name, field]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const { items } = innerOf(field);
    const below = items === undefined ? fieldRows(field, path, depth + 1) : fieldRows(items, `${path}[]`, depth + 1);
    return [fieldRow(path, field, inner.required?.includes(name) === true), ...below];
  });
}

export function fieldRow(name: string, schema: Schema, required: boolean): FieldRow {
  return { name, required, type: typeName(schema), ref: refOf(schema), notes: notesOf(schema) };
}

function typeName(schema: Schema): string {
  if (schema.$ref !== undefined) return refName(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map(typeName))].join(" | ");
  if (schema.allOf !== undefined) return [...new Set(schema.allOf.map(typeName))].join(" & ");
  const names = [schema.type ?? "any"].flat();
  return names.map((name) => (name === "array" ? `${typeName(schema.items ?? {})}[]` : name)).join(" | ");
}

/** Without what says only that it may be null. */
function innerOf(schema: Schema): Schema {
  const choices = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== "null");
  return choices?.length === 1 && choices[0] !== undefined ? choices[0] : schema;
}

function refOf(schema: Schema): string | null {
  const inner = innerOf(schema);
  const ref = inner.$ref ?? innerOf(inner.items ?? {}).$ref;
  return ref === undefined ? null : refName(ref);
}

function refName(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

function notesOf({ description, format, pattern, default: given, ...limits }: Schema): string[] {
  const spans = [
    span("", limits.minimum, limits.maximum),
    span(" characters", limits.minLength, limits.maxLength),
    span(" entries", limits.minItems, limits.maxItems),
  ];
  return [
    ...(description === undefined ? [] : [description]),
    ...spans.filter((text) => text !== null),
    ...(format === undefined ? [] : [format]),
    // A format says it better.
    ...(pattern === undefined || format !== undefined ? [] : [pattern]),
    ...(given === undefined ? [] : [`default ${JSON.stringify(given)}`]),
  ];
}

function span(unit: string, least: number | undefined, most: number | undefined): string | null {
  // What no number here reaches is no limit that is worth a word.
  const upper = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  const lower = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  if (lower === undefined && upper === undefined) return null;
  if (upper === undefined) return `at least ${lower}${unit}`;
  return `${lower === undefined ? "at most" : `${lower} to`} ${upper}${unit}`;
}
