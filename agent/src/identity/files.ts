/** What the host keeps of who it is, under `<state_dir>/identity`; readable by its owner only, changed in one step. */
import { chmod, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PARTIAL, removeDurably, writeDurably } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";

const pem = z.string().min(1).max(65_536);

const identityFile = z.object({
  schema: z.literal("holdfast.identity/1"),
  agent_id: z.uuid(),
  /** `https://host:port`: where to enrol and to renew an expired certificate. */
  controller_url: z.string().max(500),
  /** `wss://host:port`: where the link is. */
  agent_url: z.string().max(500),
  /** By which token it came; null once the key is another. */
  token_id: z.string().max(100).nullable(),
  private_key: pem,
  /** Leaf, then the issuing authority. */
  certificate_chain: pem,
  /** The only root that is trusted. */
  root_certificate: pem,
});
/** Key and certificate stand in one file, so that they always belong together. */
export type IdentityFile = z.infer<typeof identityFile>;

const pendingKey = z.object({
  schema: z.literal("holdfast.pending-key/1"),
  /** The token's id, or the agent's: a key is used for one purpose only. */
  purpose: z.string().max(100),
  private_key: pem,
  made_at: z.iso.datetime(),
});
/** A key whose certificate has not come yet. */
export type PendingKey = z.infer<typeof pendingKey>;
export type PendingKind = "enrolment" | "renewal";

const IDENTITY = "identity.json";

function folderOf(stateDir: string): string {
  return join(stateDir, "identity");
}

/** Undefined when the host is not enrolled. NO_PERMISSION when others can read it, IDENTITY_INVALID when it is damaged. */
export async function readIdentity(stateDir: string): Promise<IdentityFile | undefined> {
  return await readJson(join(folderOf(stateDir), IDENTITY), identityFile);
}

/** Takes the place of an earlier identity in one step. */
export async function writeIdentity(stateDir: string, identity: Omit<IdentityFile, "schema">): Promise<void> {
  await writeJson(stateDir, IDENTITY, { schema: "holdfast.identity/1", ...identity });
}

export async function readPendingKey(stateDir: string, kind: PendingKind): Promise<PendingKey | undefined> {
  return await readJson(join(folderOf(stateDir), `pending-${kind}.json`), pendingKey);
}

export async function writePendingKey(
  stateDir: string,
  kind: PendingKind,
  key: Omit<PendingKey, "schema">,
): Promise<void> {
  await writeJson(stateDir, `pending-${kind}.json`, { schema: "holdfast.pending-key/1", ...key });
}

export async function dropPendingKey(stateDir: string, kind: PendingKind): Promise<void> {
  const path = join(folderOf(stateDir), `pending-${kind}.json`);
  try {
    await removeDurably(path);
  } catch (error) {
    throw asHoldfastError(error, `removing ${path}`);
  }
}

/** Removes what a kill left half written; for the start of whatever writes here. */
export async function removePartials(stateDir: string): Promise<void> {
  const folder = folderOf(stateDir);
  try {
    for (const name of await readdir(folder)) if (name.endsWith(PARTIAL)) await rm(join(folder, name), { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw asHoldfastError(error, `tidying ${folder}`);
  }
}

async function writeJson(stateDir: string, name: string, value: object): Promise<void> {
  const folder = folderOf(stateDir);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await writeDurably(join(folder, name), `${JSON.stringify(value, null, 2)}\n`, 0o600);
  } catch (error) {
    throw asHoldfastError(error, `writing ${join(folder, name)}`);
  }
}

async function readJson<Value>(path: string, schema: z.ZodType<Value>): Promise<Value | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
    if (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0) throw readableByOthers(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw asHoldfastError(error, `reading ${path}`);
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  // Neither the text nor the parser's words about it: both could hold a piece of the key.
  throw new HoldfastError("IDENTITY_INVALID", {
    message: `${path} is damaged`,
    remedy: "Bring it back from a backup, or remove it and enrol this host with a new token.",
  });
}

function readableByOthers(path: string): HoldfastError {
  return new HoldfastError("NO_PERMISSION", {
    message: `the key in ${path} can be read by other users`,
    remedy: `Take that right away: chmod 600 ${path}. If others may have read it, revoke this agent and enrol it again.`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
