/** What the ports stand on: the data folder, the database, the authority and the key of access tokens. */
import type { Logger } from "pino";
import { type Authority, openAuthority } from "../adapters/pki/authority.ts";
import type { ServeSettings } from "../config/settings.ts";
import { openSigningKey } from "../services/access/signing-key.ts";
import { type TokenIssuer, tokenIssuer } from "../services/access/tokens.ts";
import { SECOND_PERSON } from "../services/approvals/second-person.ts";
import { addLogChannel } from "../services/channels/channels.ts";
import type { Telling } from "../services/channels/telling.ts";
import { type Evidence, openEvidence } from "../services/evidence/evidence.ts";
import type { Room } from "../services/metrics/readiness.ts";
import type { Store } from "../store/db.ts";
import { putSetting, readSetting } from "../store/settings.ts";
import { openStore } from "../store/store.ts";
import { controllerVersion } from "../version.ts";
import { type BrowserCertificate, openBrowserCertificate } from "./browser-certificate.ts";
import { dataPaths, lockDataFolder, openDataFolder, roomOf } from "./data-folder.ts";
import { openTelling } from "./open-telling.ts";
import { startStep } from "./start-error.ts";

export type Ground = {
  store: Store;
  now: () => Date;
  authority: Authority;
  issuer: TokenIssuer;
  telling: Telling;
  evidence: Evidence;
  room: () => Promise<Room>;
  browserCertificate: BrowserCertificate | null;
  /** null: one was told before, and it is good as far as its key goes. */
  adminToken: AdminToken | null;
  /** Notes that the token was told: it is told once. */
  adminTokenTold: () => Promise<void>;
};
export type AdminToken = { text: string; expiresAt: Date };
type Options = { log: Logger; signal: AbortSignal; allowMigrate: boolean };

/** Noted in the store, because a first start may fail after the key was made. */
const TOKEN_TOLD = "admin_token_told";
const FIRST_TOKEN_DAYS = 90;
const DAY_MS = 86_400_000;
const KEY_REMEDY =
  "Bring the file back from a backup, or remove it: a new one is made then, and every access token ends.";

export async function openGround(
  settings: ServeSettings,
  { log, signal, allowMigrate }: Options,
  opened: AsyncDisposableStack,
): Promise<Ground> {
  const { data_dir: folder, database: url, certificate } = settings;
  const paths = dataPaths(folder);
  const now = () => new Date();
  const announce = (sentence: string, facts: object) => log.info(facts, sentence);
  const begin = (name: string) => ({ name, signal });
  await startStep(begin("data folder"), () => openDataFolder(folder));
  opened.use(await startStep(begin("data folder"), () => lockDataFolder(folder)));
  const store = opened.adopt(
    await startStep(begin("database"), () =>
      openStore({ ...(url === null ? { file: paths.database } : { url, allowMigrate }), announce }),
    ),
    (one) => one.close(),
  );
  await store.write((db) => putSetting(db, SECOND_PERSON, settings.second_person));
  await store.write((db) => addLogChannel(db, now()));
  const telling = await startStep(begin(`key of stored secrets (${paths.secretsKey})`), () =>
    openTelling(paths.secretsKey, settings.outbound_allow),
  );
  const authority = await startStep(begin("certificate authority"), () => openAuthority(paths.pki, now()));
  const controller = { root_fingerprint: authority.rootFingerprint, version: controllerVersion() };
  const evidence = await startStep(begin(`key of evidence packs (${paths.evidenceKey})`), () =>
    openEvidence({ store, now, folder: paths.evidence, keyFile: paths.evidenceKey, controller }),
  );
  const browserCertificate = await startStep(begin("certificate for browsers"), () =>
    certificate === null ? null : openBrowserCertificate(certificate),
  );
  const tokens = await startStep({ ...begin(`key of access tokens (${paths.signingKey})`), remedy: KEY_REMEDY }, () =>
    openTokens(store, paths.keys, now),
  );
  return { store, now, authority, telling, evidence, room: () => roomOf(folder), browserCertificate, ...tokens };
}

async function openTokens(
  store: Store,
  folder: string,
  now: () => Date,
): Promise<Pick<Ground, "issuer" | "adminToken" | "adminTokenTold">> {
  const key = await openSigningKey(folder);
  const issuer = tokenIssuer(key.privateKey, now);
  const isFirst = key.isNew || (await store.read((db) => readSetting(db, TOKEN_TOLD))) === undefined;
  const adminToken = isFirst ? await firstToken(issuer, now()) : null;
  const adminTokenTold = () => store.write((db) => putSetting(db, TOKEN_TOLD, now().toISOString()));
  return { issuer, adminToken, adminTokenTold };
}

async function firstToken(issuer: TokenIssuer, at: Date): Promise<AdminToken> {
  const expiresAt = new Date(at.getTime() + FIRST_TOKEN_DAYS * DAY_MS);
  return { text: await issuer.issue({ subject: "admin", scopes: ["admin"], expiresAt }), expiresAt };
}
