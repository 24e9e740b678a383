/** HTML from templates in which every value is escaped; only what `html` itself made goes in as it is. */

const made: unique symbol = Symbol("html");
export type Html = { readonly [made]: string };
type Value = Html | string | number | null | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** Values may stand in text and in quoted attributes, never in a script, a style or an address. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const text = parts.map((part, index) => part + (index < values.length ? toText(values[index] ?? null) : ""));
  return { [made]: text.join("") };
}

/** A style sheet of our own, which holds no value of anyone's. */
export function styleSheet(css: string): Html {
  return { [made]: `<style>${css}</style>` };
}

export function htmlText(value: Html): string {
  return value[made];
}

function toText(value: Value): string {
  if (value === null) return "";
  if (typeof value === "object") return Array.isArray(value) ? value.map(toText).join("") : (value as Html)[made];
  return escapeText(String(value));
}

/** Characters that no page shows would hide what a text really says: they become visible. */
function escapeText(text: string): string {
  return text
    .replaceAll(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu, "\ufffd")
    .replaceAll(/[&<>"'`]/g, (character) => ENTITIES[character] ?? "");
}
