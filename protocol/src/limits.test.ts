import { expect, it } from "vitest";
import { z } from "zod";
import { commandArguments } from "./command.ts";
import { enrolmentAnswer, enrolmentRequest, renewalRequest } from "./enrolment.ts";
import { eventBodies } from "./event.ts";
import { agentFrames, controllerFrames } from "./frames.ts";
import { itemEntry, repositoryEntry } from "./item.ts";

const ENROLMENT = { enrolmentRequest, renewalRequest, enrolmentAnswer, itemEntry, repositoryEntry };
const ALL = Object.entries({ ...agentFrames, ...controllerFrames, ...eventBodies, ...commandArguments, ...ENROLMENT });

/** What they hold is read by its kind, once more; a frame has its own limit. */
const READ_LATER = /\/(body|arguments)\/propertyNames$/;

/** Where a schema, as JSON Schema has it, takes a text or a list of any length. */
function unlimited(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const inside = Object.entries(schema).flatMap(([word, part]) => unlimited(part, `${path}/${word}`));
  const isOpen =
    ("type" in schema && schema.type === "string" && !isShort(schema)) ||
    ("type" in schema && schema.type === "array" && !("maxItems" in schema) && !("prefixItems" in schema));
  return isOpen ? [path, ...inside] : inside;
}

/** Or a pattern without anything that repeats for ever. */
function isShort(text: object): boolean {
  if ("maxLength" in text || "enum" in text || "const" in text) return true;
  if (!("pattern" in text) || typeof text.pattern !== "string") return false;
  const { pattern } = text;
  const outside = pattern.replace(/\\./g, "c").replace(/\[[^\]]*\]/g, "c");
  return /^\^.*\$$/.test(pattern) && !/[*+]|\{\d+,\}/.test(outside);
}

it.each(ALL)("%s has a limit on each of its texts and lists", (_name, schema) => {
  const found = unlimited(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), "");
  expect(found.filter((path) => !READ_LATER.test(path))).toEqual([]);
});

it("a text and a list without a limit are found wherever they are", () => {
  const open = z.object({
    ...{ text: z.string(), list: z.array(z.boolean()), short: z.string().max(3), one: z.literal("a") },
    inside: z.union([z.record(z.string().max(9), z.string().regex(/^a+$/)), z.tuple([z.int()])]),
  });
  expect(unlimited(z.toJSONSchema(open), "")).toEqual([
    "/properties/text",
    "/properties/list",
    "/properties/inside/anyOf/0/additionalProperties",
  ]);
});
