/** A request's parameters, query and body, checked together so that every wrong field is named at once. */
import type { z } from "zod";
import type { FieldProblem } from "../errors.ts";
import { invalidFields } from "../services/lists/invalid-fields.ts";

export type Part = { schema: z.ZodType | undefined; value: unknown; prefix?: string };

type Checked = { data: unknown; problems: FieldProblem[] };

/** The parsed parts in the same order; VALIDATION_ERROR with all that is wrong in any of them. */
export function checkInput(parts: readonly Part[]): unknown[] {
  const checked = parts.map(check);
  const fields = byPath(checked.flatMap(({ problems }) => problems));
  if (fields.length === 0) return checked.map(({ data }) => data);
  throw invalidFields(fields);
}

/** A field that is wrong in two ways is one wrong field. */
function byPath(problems: readonly FieldProblem[]): FieldProblem[] {
  const messages = Map.groupBy(problems, ({ path }) => path);
  return [...messages].map(([path, some]) => ({ path, message: some.map(({ message }) => message).join("; ") }));
}

/** Query parameters by name; VALIDATION_ERROR when one is given twice. */
export function queryValues(all: Record<string, string[]>): Record<string, string> {
  const twice = Object.entries(all).filter(([, values]) => values.length > 1);
  if (twice.length > 0) throw invalidFields(twice.map(([path]) => ({ path, message: "is given more than once" })));
  return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values[0] ?? ""]));
}

function check({ schema, value }: Part): Checked {
  const unstorable = unstorableText(value, "");
  if (unstorable.length > 0) return { data: undefined, problems: unstorable };
  if (schema === undefined) return { data: undefined, problems: extraParts(value) };
  const parsed = schema.safeParse(value);
  return parsed.success
    ? { data: parsed.data, problems: [] }
    : { data: undefined, problems: parsed.error.issues.flatMap(problemsOf) };
}

function extraParts(value: unknown): FieldProblem[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [{ path: "", message: "no body is expected" }];
  return Object.keys(value).map((path) => ({ path, message: "is not known here" }));
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: path === "" ? key : `${path}.${key}`, message: "is not known here" }));
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return [{ path, message: isMissing && path !== "" ? "is required" : issue.message.slice(0, 500) }];
}

/** No database here keeps a NUL, and none keeps half a character. */
function unstorableText(value: unknown, path: string): FieldProblem[] {
  if (typeof value === "string")
    return value.isWellFormed() && !value.includes("\0")
      ? []
      : [{ path, message: "holds a character that cannot be stored" }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return [...unstorableText(key, path), ...unstorableText(inner, at)];
  });
}
