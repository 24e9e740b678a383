import type { Endpoint } from "./endpoint.ts";

/** Which methods an address has; none when it is no address of ours. */
export function methodsAt(endpoints: readonly Endpoint[], path: string): string[] {
  const methods = endpoints
    .filter((endpoint) => matches(endpoint.path, path))
    .map(({ method }) => method.toUpperCase());
  return [...new Set(methods)].sort();
}

function matches(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith("{") || part === given[index]);
}
