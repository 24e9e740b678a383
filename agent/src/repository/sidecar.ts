/** Reading and writing the description that stands beside every backup. */
import { basename } from "node:path";
import { canonicalDigest, type Sidecar, type SidecarBody, sealSidecar, sidecar, sidecarBody } from "@holdfast/protocol";
import { z } from "zod";
import { writeDurably } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { damaged, explained, jsonText, readJsonFile } from "./files.ts";
import { imageName, mapName, sidecarName } from "./layout.ts";

/**
 * Reads a sidecar and checks its digest, its fields and that they agree with each other and with its file's name.
 * REPOSITORY_DAMAGED says which of these fails; NOT_FOUND when there is no such file.
 */
export async function readSidecar(path: string): Promise<Sidecar> {
  return await explained(`reading ${path}`, async () => {
    const value = await readJsonFile(path);
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(path, "is not a sidecar");
    // Over the value as it was read: fields that a newer version added count, though we do not know them.
    if (!("digest" in value) || value.digest !== canonicalDigest(value))
      throw damaged(path, "does not match its own digest: it was changed or it rotted");
    const parsed = sidecar.safeParse(value);
    if (!parsed.success) throw unknownForm(path, value, parsed.error);
    const wrong = inconsistency(path, parsed.data);
    if (wrong !== undefined) throw damaged(path, wrong);
    return parsed.data;
  });
}

/** Seals a body and writes it durably to `path`. INTERNAL when the body contradicts itself or the name. */
export async function writeSidecar(path: string, body: SidecarBody): Promise<Sidecar> {
  const parsed = sidecarBody.safeParse(body);
  const wrong = parsed.success ? inconsistency(path, parsed.data) : z.prettifyError(parsed.error);
  if (!parsed.success || wrong !== undefined)
    throw new HoldfastError("INTERNAL", { message: `the sidecar for ${path} is not valid`, details: wrong ?? "" });
  const sealed = sealSidecar(parsed.data);
  await explained(`writing ${path}`, () => writeDurably(path, jsonText(sealed)));
  return sealed;
}

/** What contradicts in a sidecar that is well-formed by itself; its names may point at its own files only. */
function inconsistency(path: string, body: SidecarBody): string | undefined {
  const id = body.backup_id;
  if (basename(path) !== sidecarName(id)) return `describes another backup (${id})`;
  if (body.file_name !== imageName(id)) return `points at another file (${body.file_name})`;
  if (body.hash_map.file_name !== mapName(id)) return `points at another hash map (${body.hash_map.file_name})`;
  const full = body.backup_type === "full";
  if (full !== (body.parent_backup_id === null))
    return "contradicts itself: a full has no parent, an increment has one";
  if (full !== (body.full_backup_id === id)) return "contradicts itself about the full of its chain";
  if (full !== (body.chain_position === 0)) return "contradicts itself about its position in the chain";
  if (body.parent_backup_id === id) return "names itself as its parent";
  return undefined;
}

function unknownForm(path: string, value: object, error: z.ZodError): HoldfastError {
  const schema = "schema" in value ? String(value.schema) : "none";
  if (!schema.startsWith("holdfast.backup/") || schema === "holdfast.backup/1")
    return new HoldfastError("REPOSITORY_DAMAGED", {
      message: `${path} is not a sidecar this version understands`,
      remedy: "Run `holdfast-agent repository check` to see what else is affected.",
      details: z.prettifyError(error),
    });
  return new HoldfastError("REPOSITORY_DAMAGED", {
    message: `${path} was written by a newer version (${schema})`,
    remedy: "Update this agent.",
  });
}
