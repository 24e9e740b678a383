import { expect, it } from "vitest";
import { ENDPOINTS } from "../endpoints.ts";
import { openApiDocument } from "../open-api.ts";
import type { ApiDocument } from "./document.ts";
import { referencePage } from "./page.ts";
import { fieldRows } from "./schema-rows.ts";

const document = openApiDocument(ENDPOINTS) as ApiDocument;
const page = referencePage(document);

it("the reference has every operation and every type once, and links that lead somewhere", () => {
  const operations = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  const types = Object.keys(document.components?.schemas ?? {}).map((name) => `type-${name}`);
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(ids.sort()).toEqual([...operations, ...types].sort());
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links.length).toBeGreaterThan(operations.length);
  expect(links.filter((id) => !ids.includes(id))).toEqual([]);
});

it("the reference needs nothing from elsewhere and shows nothing that is no text", () => {
  expect(page).not.toMatch(/<script|src=|href="[^#]|url\(|\[object|undefined|`/);
});

it("fields are told with their limits, inner ones below, and what may be null as that", () => {
  const schema = {
    type: "object",
    required: ["days"],
    properties: {
      days: { type: "integer", minimum: 1, maximum: 366, default: 7 },
      at: { type: ["string", "null"], format: "date-time", pattern: "^x$" },
      owner: { anyOf: [{ $ref: "#/components/schemas/Agent" }, { type: "null" }] },
      disks: { type: "array", maxItems: 3, items: { type: "object", properties: { id: { enum: ["a", 1] } } } },
    },
  };
  const none = { ref: null, required: false };
  expect(fieldRows(schema)).toEqual([
    { name: "days", type: "integer", ref: null, required: true, notes: ["1 to 366", "default 7"] },
    { name: "at", type: "string | null", ...none, notes: ["date-time"] },
    { name: "owner", type: "Agent | null", ref: "Agent", required: false, notes: [] },
    { name: "disks", type: "object[]", ...none, notes: ["at most 3 entries"] },
    { name: "disks[].id", type: '"a" | 1', ...none, notes: [] },
  ]);
});

it("a type that holds itself ends", () => {
  const self: { properties: Record<string, object> } = { properties: {} };
  self.properties["child"] = self;
  expect(fieldRows(self).map(({ name }) => name.split(".").length)).toEqual([1, 2, 3, 4, 5]);
});
