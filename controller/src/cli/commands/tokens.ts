/** Enrolment tokens, and access tokens that are made without asking the controller. */
import { SCOPES, type Scope } from "../../domain/access.ts";
import { dataPaths } from "../../serve/data-folder.ts";
import { dataFolderOf, surroundings } from "../../serve/load-settings.ts";
import type { Answer } from "../answer.ts";
import { type Globals, isReadable, mintToken, readNamed } from "../connection.ts";
import type { TokenDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageError } from "../failure.ts";
import { parseSeconds, plainText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/enrolment-tokens";

const TOKENS: ListSpec<TokenDocument> = {
  path: PATH,
  field: "tokens",
  columns: [
    ["ID", (token) => token.token_id],
    ["FOR", (token) => plainText(token.name)],
    ["STATE", (token) => stateWord(stateOf(token))],
    ["CREATED", (token) => timeText(token.created_at)],
    ["EXPIRES", (token) => timeText(token.expires_at)],
    ["BY", (token) => plainText(token.created_by)],
    ["HOST", (token) => plainText(token.used_by)],
  ],
  none: "There are no enrolment tokens.",
};

function stateOf({ used_at, revoked_at, expires_at }: TokenDocument): string {
  if (used_at !== null) return "used";
  if (revoked_at !== null) return "revoked";
  return Date.parse(expires_at) < Date.now() ? "expired" : "open";
}

export async function createToken(options: Globals & { name?: string; lifetime?: string }): Promise<Answer> {
  const lifetime = options.lifetime === undefined ? null : parseSeconds(options.lifetime, "--lifetime");
  const body = { name: options.name ?? null, lifetime_seconds: lifetime };
  return await tell(
    options,
    (client) => client.call<TokenDocument & { token: string }>("POST", PATH, { body }),
    ({ token, expires_at }) => `${token}\nGood for one host until ${timeText(expires_at)}; shown this once.`,
  );
}

export async function listTokens(options: PageOptions): Promise<Answer> {
  return await list(options, TOKENS, () => ({}));
}

export async function revokeToken(id: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => client.call<TokenDocument>("DELETE", `${PATH}/${encodeURIComponent(id)}`),
    (token) => `The token ${token.token_id} can no longer be used.`,
  );
}

const DEFAULT_LIFETIME = "12h";

export type AccessTokenOptions = Globals & { scope?: string[]; lifetime?: string; revoke?: string };
type EndedToken = { subject: string; expires_at: string; revoked_at: string };

export async function revokeAccessToken(file: string, globals: Globals): Promise<Answer> {
  const token = (await readNamed(file, "--revoke")).trim();
  return await tell(
    globals,
    (client) => client.call<EndedToken>("POST", "/api/v1/access-tokens/revoke", { body: { token } }),
    ({ subject }) => `That token of ${plainText(subject)} is not taken any more.`,
  );
}

/** Made from the data folder's key, so it works also while the controller is stopped. */
export async function accessToken(options: AccessTokenOptions): Promise<Answer> {
  const lifetimeMs = parseSeconds(options.lifetime ?? DEFAULT_LIFETIME, "--lifetime") * 1000;
  const scopes = (options.scope ?? ["admin"]).map(scopeOf);
  const { keys, signingKey } = dataPaths(dataFolderOf(options.dataDir, surroundings()));
  if (!(await isReadable(signingKey)))
    throw new Failure("NOT_FOUND", {
      message: `the key of access tokens cannot be read: ${signingKey}`,
      remedy: "Run this on the controller's host as its user, after its first start; --data-dir names its data folder.",
    });
  const token = await mintToken(keys, { scopes, lifetimeMs });
  const expires_at = new Date(Date.now() + lifetimeMs).toISOString();
  return { document: { token, scopes, expires_at }, text: () => token, exitCode: EXIT.ok };
}

function scopeOf(text: string): Scope {
  const scope = SCOPES.find((known) => known === text);
  if (scope !== undefined) return scope;
  throw usageError(`there is no scope ${JSON.stringify(text)}`, `There are ${SCOPES.join(", ")}.`);
}
