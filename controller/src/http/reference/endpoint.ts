import { type Endpoint, endpoint } from "../endpoint.ts";
import { openApiDocument } from "../open-api.ts";
import type { ApiDocument } from "./document.ts";
import { referencePage } from "./page.ts";

/** Serves the reference of these endpoints; made when it is first asked for. */
export function referenceEndpoint(endpoints: readonly Endpoint[]): Endpoint {
  let made: string | undefined;
  return endpoint({
    method: "get",
    path: "/api/v1/docs",
    tag: "about",
    summary: "The API's reference as a page",
    action: null,
    answers: {},
    streams: "text/html",
    handle: async () => {
      made ??= referencePage(openApiDocument(endpoints) as ApiDocument);
      return { status: 200, stream: new Blob([made]).stream(), contentType: "text/html; charset=utf-8" };
    },
  });
}
