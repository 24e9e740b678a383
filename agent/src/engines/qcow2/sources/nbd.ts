import { symlink } from "node:fs/promises";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import { HoldfastError } from "../../../errors.ts";
import { connectNbd, listMetaContexts } from "../../../nbd/client.ts";
import { describeEndpoint, type NbdEndpoint, parseNbdUri } from "../../../nbd/endpoint.ts";
import type { BlockNode } from "../../../qemu/daemon.ts";
import { nbdNode } from "../../../qemu/graph.ts";
import {
  BITMAP_PREFIX,
  type DirtyBitmap,
  type DiskRequest,
  type Freeze,
  type FreezeContext,
  type OpenSource,
  SOURCE_NODE,
} from "../source.ts";
import { resolveInsideRoots } from "./roots.ts";

type NbdSpec = Extract<SourceSpec, { kind: "nbd" }>;

/** Seconds QEMU keeps trying a server that went away before the backup fails. */
const RECONNECT_SECONDS = 10;

async function endpointOf(spec: NbdSpec, context: FreezeContext): Promise<NbdEndpoint> {
  const endpoint = withTls(parseNbdUri(spec.uri), spec);
  if (endpoint.transport === "unix") {
    if (context.nbdServers.includes(`unix:${endpoint.socket}`)) return endpoint;
    return { ...endpoint, socket: await resolveInsideRoots(endpoint.socket, context.roots) };
  }
  if (!context.nbdServers.includes(`${endpoint.host}:${endpoint.port}`)) {
    throw new HoldfastError("SOURCE_NOT_ALLOWED", {
      message: `the NBD server ${endpoint.host}:${endpoint.port} is not one that this host allows as a source`,
      remedy: "Add it to `nbd_servers` in the agent's own configuration file.",
    });
  }
  return endpoint;
}

/** `nbds:` asks for TLS; with what, only the configuration knows. */
function withTls(endpoint: NbdEndpoint, { uri, tls }: NbdSpec): NbdEndpoint {
  if (endpoint.transport === "unix" || !uri.startsWith("nbds:")) return endpoint;
  if (tls === undefined) {
    const remedy = "Set `tls.ca` (and `tls.cert`, `tls.key` when the server asks for a client certificate).";
    throw new HoldfastError("BAD_CONFIG", {
      message: `${uri} asks for TLS, but no certificates are configured`,
      remedy,
    });
  }
  const { ca, cert, key, server_name: serverName } = tls;
  return { ...endpoint, tls: { ca, ...(cert && { cert }), ...(key && { key }), ...(serverName && { serverName }) } };
}

function sourceNode(endpoint: NbdEndpoint): BlockNode {
  const tls = endpoint.transport === "tcp" ? endpoint.tls : undefined;
  return {
    driver: "raw",
    "node-name": SOURCE_NODE,
    "read-only": true,
    file: {
      ...nbdNode(endpoint),
      "reconnect-delay": RECONNECT_SECONDS,
      ...(tls && { "tls-creds": "source-tls", ...(tls.serverName && { "tls-hostname": tls.serverName }) }),
    },
  };
}

/** QEMU wants its certificates in one folder under fixed names. */
function tlsObjects(endpoint: NbdEndpoint): OpenSource["objects"] {
  const tls = endpoint.transport === "tcp" ? endpoint.tls : undefined;
  if (!tls) return undefined;
  return async (folder) => {
    await symlink(tls.ca, join(folder, "ca-cert.pem"));
    if (tls.cert && tls.key) {
      await symlink(tls.cert, join(folder, "client-cert.pem"));
      await symlink(tls.key, join(folder, "client-key.pem"));
    }
    return [`tls-creds-x509,id=source-tls,endpoint=client,dir=${folder},verify-peer=on`];
  };
}

type Found = { dirty: DirtyBitmap; dirtyReason: string };

async function findBitmap(endpoint: NbdEndpoint, parentId: string | null): Promise<Found> {
  if (parentId === null) return { dirty: { via: "none" }, dirtyReason: "there is no parent a bitmap could count from" };
  const context = `qemu:dirty-bitmap:${BITMAP_PREFIX}${parentId}`;
  const offered = await listMetaContexts(endpoint, "qemu:dirty-bitmap:");
  if (offered.includes(context)) {
    return {
      dirty: { via: "server", endpoint, context },
      dirtyReason: `the server offers a bitmap that counts from ${parentId}`,
    };
  }
  const dirtyReason = `the server offers no bitmap named after ${parentId}`;
  return { dirty: { via: "none" }, dirtyReason };
}

async function openNbd(disk: DiskRequest & { spec: NbdSpec }, context: FreezeContext): Promise<OpenSource> {
  const endpoint = await endpointOf(disk.spec, context);
  const client = await connectNbd(endpoint, { ...(context.signal && { signal: context.signal }) });
  const { size, readOnly } = client;
  await client.close();
  const description = describeEndpoint(endpoint);
  if (size === 0)
    throw new HoldfastError("SOURCE_EMPTY", { message: `${description} has no bytes`, remedy: "Check the export." });
  if (!readOnly) {
    context.warn(
      `${description} is a writable export: Holdfast cannot see whether someone else writes to it meanwhile`,
    );
  }
  const objects = tlsObjects(endpoint);
  return {
    diskId: disk.diskId,
    kind: "nbd",
    description,
    format: "raw",
    node: sourceNode(endpoint),
    ...(objects && { objects }),
    rawFile: null,
    ...(await findBitmap(endpoint, disk.parentId)),
    confirm: async () => {
      const again = await connectNbd(endpoint, {});
      await again.close();
      if (again.size === size) return;
      const message = `${description} changed its size from ${size} to ${again.size} bytes during the backup`;
      throw new HoldfastError("SOURCE_CHANGED", { message, remedy: "Export a snapshot instead of the live disk." });
    },
  };
}

/** Disks that another program serves over NBD. Who serves a live disk must serve a snapshot of it. */
export const freezeNbd: Freeze<"nbd"> = async (disks, context) => {
  const sources: OpenSource[] = [];
  for (const disk of disks) sources.push(await openNbd(disk, context));
  return { consistency: "crash-consistent", sources, release: async () => [] };
};
