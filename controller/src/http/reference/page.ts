/** The API's reference as one page, made from its document: no script, nothing from any other address. */
import { type Html, html, htmlText, styleSheet } from "../../services/reports/html.ts";
import type { ApiDocument, Operation, Schema } from "./document.ts";
import { type FieldRow, fieldRow, fieldRows } from "./schema-rows.ts";
import { REFERENCE_STYLE } from "./style.ts";

type Entry = { method: string; path: string; operation: Operation };

export function referencePage(document: ApiDocument): string {
  const { info, paths, components = {} } = document;
  const entries = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const groups = [...Map.groupBy(entries, ({ operation }) => operation.tags?.[0] ?? "other")];
  const schemas = Object.entries(components.schemas ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return htmlText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${info.title}: API reference</title>
${styleSheet(REFERENCE_STYLE)}
</head>
<body>
<nav><h1>${info.title} ${info.version}</h1>
${groups.map(([tag, some]) => html`<details open><summary>${tag}</summary><ul>${some.map(link)}</ul></details>`)}
<details><summary>Types</summary><ul>${schemas.map(([name]) => html`<li><a href="#type-${name}">${name}</a></li>`)}</ul></details>
</nav>
<main>
<p>${info.description ?? ""} The same as a document: <code>/api/v1/openapi.json</code>.</p>
${groups.map(([tag, some]) => html`<h2>${tag}</h2>${some.map(section)}`)}
<h2>Types</h2>
${schemas.map(([name, schema]) => html`<section id="type-${name}"><h3>${name}</h3>${shape(schema)}</section>`)}
</main>
</body>
</html>
`);
}

function link({ method, path, operation }: Entry): Html {
  return html`<li><a href="#${operation.operationId}"><b class="${method.toLowerCase()}">${method}</b> ${path}</a></li>`;
}

function section({ method, path, operation }: Entry): Html {
  const { summary = "", description, parameters = [], requestBody, responses } = operation;
  const given = parameters.map(({ name, in: place, required = false, schema = {}, description: note }) => ({
    ...fieldRow(
      name,
      schema.description === undefined && note !== undefined ? { ...schema, description: note } : schema,
      required,
    ),
    place,
  }));
  const body = requestBody?.content["application/json"]?.schema;
  return html`<section id="${operation.operationId}">
<h3><b class="${method.toLowerCase()}">${method}</b> <code>${path}</code></h3>
<p><b>${summary}.</b>${description === undefined ? null : html` ${prose(description)}`}</p>
${["path", "query"].map((place) =>
  fields(
    `In the ${place}`,
    given.filter((row) => row.place === place),
  ),
)}
${body === undefined ? null : html`<h4>Body</h4>${shape(body)}`}
<h4>Answers</h4><ul class="answers">${Object.entries(responses).map(answer)}</ul>
</section>
`;
}

function answer([status, { description, content = {} }]: [string, Operation["responses"][string]]): Html {
  if (status >= "400") return html`<li><b class="refused">${status}</b> ${description}</li>`;
  return html`<li><b>${status}</b> ${description}: ${Object.entries(content).map(([type, { schema }]) =>
    schema === undefined ? html`<code>${type}</code>` : shape(schema),
  )}</li>`;
}

/** A named type by its name, anything else with its fields. */
function shape(schema: Schema): Html {
  const rows = fieldRows(schema);
  if (rows.length > 0) return fields(null, rows);
  const row = fieldRow("", schema, true);
  return html`${typeLink(row)} ${row.notes.map((note) => html`<small>${prose(note)}</small> `)}`;
}

function fields(title: string | null, rows: readonly FieldRow[]): Html {
  if (rows.length === 0) return html``;
  return html`${title === null ? null : html`<h4>${title}</h4>`}<table><tbody>${rows.map(
    (row) => html`<tr><td><code>${row.name}</code>${row.required ? null : html` <small>optional</small>`}</td>
<td>${typeLink(row)}</td><td>${row.notes.map((note) => html`<div>${prose(note)}</div>`)}</td></tr>
`,
  )}</tbody></table>`;
}

function typeLink({ type, ref }: Pick<FieldRow, "type" | "ref">): Html {
  return ref === null ? html`<code>${type}</code>` : html`<a href="#type-${ref}"><code>${type}</code></a>`;
}

/** What stands between back-ticks is code. */
function prose(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))}`;
}
