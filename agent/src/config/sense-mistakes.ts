/**
 * What is wrong although each setting is well-formed: ids given twice, references to nothing, sources outside the
 * roots. Works on the unchecked value, so that these mistakes are told together with those of shape.
 */
import { isAbsolute, relative } from "node:path";
import { nearest } from "./did-you-mean.ts";
import { type Mistake, pathText } from "./mistake.ts";

type Loose = Record<string, unknown>;
type Found = { value: unknown; path: PropertyKey[] };

/** All mistakes of sense; parts that are not well-formed are passed over. */
export function senseMistakes(value: unknown): Mistake[] {
  const root = asObject(value);
  const repositories = listAt(root, "repositories", []);
  const items = listAt(root, "items", []);
  const repositoryIds = repositories.map((one) => field(one, "repository_id"));
  return [
    ...twice(repositoryIds),
    ...twice(repositories.map((one) => field(one, "path"))),
    ...twice(items.map((one) => field(one, "vm_context_id"))),
    ...twice(items.map((one) => field(one, "vm_name"))),
    ...items.flatMap((item) => twice(disksOf(item).map((disk) => field(disk, "disk_id", 0)))),
    ...unknownRepositories(items, repositoryIds),
    ...outsideRoots(items, root["roots"]),
  ];
}

function twice(found: readonly Found[]): Mistake[] {
  const first = new Map<unknown, PropertyKey[]>();
  return found.flatMap(({ value, path }) => {
    if (typeof value !== "string" && typeof value !== "number") return [];
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, path);
    if (earlier === undefined) return [];
    return [{ path: pathText(path), message: `${JSON.stringify(value)} was given before, at ${pathText(earlier)}` }];
  });
}

function unknownRepositories(items: readonly Found[], repositoryIds: readonly Found[]): Mistake[] {
  const known = repositoryIds.flatMap(({ value }) => (typeof value === "string" ? [value] : []));
  return items.flatMap((item) => {
    const { value, path } = field(item, "repository_id");
    if (typeof value !== "string" || known.includes(value)) return [];
    const near = nearest(value, known);
    const hint = near === undefined ? "add it to `repositories`" : `did you mean ${near}?`;
    return [{ path: pathText(path), message: `there is no repository ${JSON.stringify(value)}`, hint }];
  });
}

/** The settings of each kind of source that name a place on this host which the agent opens. */
const PLACES: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["file", ["path"]],
  ["block", ["path"]],
  ["qmp", ["socket", "guest_agent", "fleece_folder"]],
]);

/** By name only; the engine follows links and decides for good when it opens the source. */
function outsideRoots(items: readonly Found[], given: unknown): Mistake[] {
  const roots = Array.isArray(given) ? given.filter((root) => typeof root === "string") : [];
  const allowed = roots.length === 0 ? "none is given" : roots.join(", ");
  return items.flatMap(disksOf).flatMap((disk) => {
    const source = field(disk, "source");
    const places = PLACES.get(field(source, "kind").value) ?? [];
    return places.flatMap((name) => {
      const { value, path } = field(source, name);
      if (typeof value !== "string" || !isAbsolute(value) || roots.some((root) => isInside(value, root))) return [];
      return [{ path: pathText(path), message: `${value} lies outside \`roots\``, hint: `roots: ${allowed}` }];
    });
  });
}

/** Whether `path` is `folder` or inside it, by name. */
function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}

const disksOf = (item: Found): Found[] => listAt(asObject(item.value), "disks", item.path);

function field(of: Found, name: string, otherwise?: unknown): Found {
  return { value: asObject(of.value)[name] ?? otherwise, path: [...of.path, name] };
}

function listAt(of: Loose, name: string, path: readonly PropertyKey[]): Found[] {
  const list = of[name];
  return Array.isArray(list) ? list.map((value, index) => ({ value, path: [...path, name, index] })) : [];
}

function asObject(value: unknown): Loose {
  return typeof value === "object" && value !== null ? (value as Loose) : {};
}
