/** Which controller is meant, by what it is recognised, and what is shown to it. */
import { randomUUID } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { dataPaths } from "../serve/data-folder.ts";
import { dataFolderOf, surroundings } from "../serve/load-settings.ts";
import { openSigningKey } from "../services/access/signing-key.ts";
import { tokenIssuer } from "../services/access/tokens.ts";
import { Failure, usageError } from "./failure.ts";

/** The options that every command has. */
export type Globals = { json?: boolean; url?: string; ca?: string; tokenFile?: string; dataDir?: string };

export type Connection = {
  url: URL;
  /** PEM; null: whatever certificate this host trusts for the URL's name. */
  ca: string | null;
  /** What to show, made anew where it is short-lived. TOKEN_NEEDED when there is none. */
  credential: () => Promise<string>;
  /** Where it comes from, for errors. */
  source: string;
};

const DEFAULT_URL = "https://localhost:8443";
const MINTED_MS = 5 * 60_000;

export async function decideConnection(globals: Globals): Promise<Connection> {
  const around = surroundings();
  const paths = dataPaths(dataFolderOf(globals.dataDir, around));
  const named = globals.ca ?? (around.env["HOLDFAST_CA"] || undefined);
  const ownRoot = await readOrNull(paths.rootCertificate);
  const ca = named === undefined ? ownRoot : await readNamed(named, "--ca");
  const url = parseUrl(globals.url ?? (around.env["HOLDFAST_URL"] || DEFAULT_URL));
  const given = await givenCredential(globals, around.env["HOLDFAST_TOKEN"]);
  if (given !== null) return { url, ca, ...given };
  // A token of this host's controller is for whoever proves to be that controller, and for nobody else.
  const isOwn = ca !== null && ca === ownRoot && (await isReadable(paths.signingKey));
  if (!isOwn) return { url, ca, credential: noCredential, source: "none" };
  const credential = () => mintToken(paths.keys, { scopes: ["admin"], lifetimeMs: MINTED_MS });
  return { url, ca, credential, source: `the data folder (${paths.keys})` };
}

type Minting = { scopes: Parameters<ReturnType<typeof tokenIssuer>["issue"]>[0]["scopes"]; lifetimeMs: number };

/** A token signed with the data folder's key, in the name of whoever may read that. */
export async function mintToken(keys: string, { scopes, lifetimeMs }: Minting): Promise<string> {
  const now = () => new Date();
  const { privateKey } = await openSigningKey(keys);
  const expiresAt = new Date(Date.now() + lifetimeMs);
  return await tokenIssuer(privateKey, now).issue({ subject: `local-${userName()}`, scopes, expiresAt });
}

export async function isReadable(path: string): Promise<boolean> {
  return await access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** A header that makes a repeated call harmless. */
export function idempotencyHeader(): Record<string, string> {
  return { "idempotency-key": randomUUID() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

async function givenCredential({ tokenFile }: Globals, env: string | undefined) {
  if (tokenFile !== undefined) {
    const text = await readNamed(tokenFile, "--token-file");
    return { credential: async () => checkedToken(text, tokenFile), source: tokenFile };
  }
  if (env === undefined || env === "") return null;
  return { credential: async () => checkedToken(env, "HOLDFAST_TOKEN"), source: "HOLDFAST_TOKEN" };
}

function checkedToken(text: string, source: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw usageError(`${source} holds no access token or API key`, "It must hold the token alone, on one line.");
}

function noCredential(): Promise<never> {
  const message = "an access token is needed";
  const remedy =
    "Set HOLDFAST_TOKEN, name a file with --token-file, or run this on the controller's host as the controller's user.";
  return Promise.reject(new Failure("TOKEN_NEEDED", { message, remedy }));
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" && url.username === "" && url.password === "") return url;
  throw usageError(`--url takes https://host:port, not ${JSON.stringify(text)}`, `The default is ${DEFAULT_URL}.`);
}

async function readOrNull(path: string): Promise<string | null> {
  return await readFile(path, "utf8").catch(() => null);
}

export async function readNamed(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { message } = cause as Error;
    throw new Failure("BAD_REQUEST", { message: `the file of ${option} cannot be read: ${message}`, cause });
  }
}
