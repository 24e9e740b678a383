/** Whether this host's own rules allow what a controller wants it to protect. */
import type { ItemEntry, RepositoryEntry, SourceSpec } from "@holdfast/protocol";
import type { Config } from "../../config/schema.ts";
import { HoldfastError } from "../../errors.ts";
import { parseNbdUri } from "../../nbd/endpoint.ts";
import { isInside } from "./inside.ts";

/** REPOSITORY_NOT_ALLOWED unless the repository lies inside `repository_roots`. */
export async function checkRepository({ path }: RepositoryEntry, { repository_roots }: Config): Promise<void> {
  if (await isInside(path, repository_roots)) return;
  throw new HoldfastError("REPOSITORY_NOT_ALLOWED", {
    message: `${path} is outside the folders in which this host lets a controller make repositories`,
    remedy: "Add its folder to `repository_roots` in the agent's own configuration file, or choose another path.",
  });
}

/** SOURCE_NOT_ALLOWED unless every source is one that this host allows; a machine that is not there yet may come. */
export async function checkItem({ disks }: Pick<ItemEntry, "disks">, config: Config): Promise<void> {
  for (const { source } of disks) await checkSource(source, config);
}

async function checkSource(source: SourceSpec, config: Config): Promise<void> {
  switch (source.kind) {
    case "file":
    case "block":
      return await checkPlace(source.path, config);
    case "qmp":
      for (const place of [source.socket, source.guest_agent, source.fleece_folder])
        if (place !== undefined) await checkPlace(place, config);
      return;
    case "nbd":
      return await checkServer(source.uri, config);
  }
}

async function checkPlace(path: string, { roots }: Config): Promise<void> {
  if (!(await isInside(path, roots))) throw notAllowed(path, "Add its folder to `roots`");
}

async function checkServer(uri: string, config: Config): Promise<void> {
  const endpoint = parseNbdUri(uri);
  const server = endpoint.transport === "unix" ? `unix:${endpoint.socket}` : `${endpoint.host}:${endpoint.port}`;
  if (config.nbd_servers.includes(server)) return;
  if (endpoint.transport === "unix") return await checkPlace(endpoint.socket, config);
  throw notAllowed(`the NBD server ${server}`, "Add it to `nbd_servers`");
}

function notAllowed(what: string, remedy: string): HoldfastError {
  return new HoldfastError("SOURCE_NOT_ALLOWED", {
    message: `${what} is not one of the sources that this host allows`,
    remedy: `${remedy} in the agent's own configuration file, or choose another source.`,
  });
}
