/** Whether this host's own rules allow what a controller wants it to protect. */
import type { ItemEntry, RepositoryEntry, SourceSpec } from "@holdfast/protocol";
import type { Config } from "../../config/schema.ts";
import { HoldfastError } from "../../errors.ts";
import { parseNbdUri } from "../../nbd/endpoint.ts";
import { isInside, realFolders } from "./inside.ts";

/** What the host allows, its folders as `realFolders` has them. */
export type Allowed = Pick<Config, "roots" | "nbd_servers" | "repository_roots">;

export async function allowedBy({ roots, nbd_servers, repository_roots }: Config): Promise<Allowed> {
  return { nbd_servers, roots: await realFolders(roots), repository_roots: await realFolders(repository_roots) };
}

/** REPOSITORY_NOT_ALLOWED unless the repository lies inside `repository_roots`. */
export async function checkRepository({ path }: RepositoryEntry, { repository_roots }: Allowed): Promise<void> {
  if (await isInside(path, repository_roots)) return;
  throw new HoldfastError("REPOSITORY_NOT_ALLOWED", {
    message: `${path} is outside the folders in which this host lets a controller make repositories`,
    remedy: "Add its folder to `repository_roots` in the agent's own configuration file, or choose another path.",
  });
}

/** SOURCE_NOT_ALLOWED unless every source is one that this host allows; a machine that is not there yet may come. */
export async function checkItem({ disks }: Pick<ItemEntry, "disks">, allowed: Allowed): Promise<void> {
  for (const { source } of disks) await checkSource(source, allowed);
}

async function checkSource(source: SourceSpec, allowed: Allowed): Promise<void> {
  switch (source.kind) {
    case "file":
    case "block":
      return await checkPlace(source.path, allowed);
    case "qmp":
      for (const place of [source.socket, source.guest_agent, source.fleece_folder])
        if (place !== undefined) await checkPlace(place, allowed);
      return;
    case "nbd":
      return await checkServer(source.uri, allowed);
  }
}

async function checkPlace(path: string, { roots }: Allowed): Promise<void> {
  if (!(await isInside(path, roots))) throw notAllowed(path, "Add its folder to `roots`");
}

async function checkServer(uri: string, allowed: Allowed): Promise<void> {
  const endpoint = parseNbdUri(uri);
  const server = endpoint.transport === "unix" ? `unix:${endpoint.socket}` : `${endpoint.host}:${endpoint.port}`;
  if (allowed.nbd_servers.includes(server)) return;
  if (endpoint.transport === "unix") return await checkPlace(endpoint.socket, allowed);
  throw notAllowed(`the NBD server ${server}`, "Add it to `nbd_servers`");
}

function notAllowed(what: string, remedy: string): HoldfastError {
  return new HoldfastError("SOURCE_NOT_ALLOWED", {
    message: `${what} is not one of the sources that this host allows`,
    remedy: `${remedy} in the agent's own configuration file, or choose another source.`,
  });
}
