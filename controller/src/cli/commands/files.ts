/** What is given to others as a file: reports, and evidence with its signature. */
import { agentIdOf, agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageError } from "../failure.ts";
import { bytesText, parseCount } from "../format.ts";
import { findItem } from "../item-named.ts";
import { parseMoment } from "../moment.ts";
import { type Saved, saveAnswer, saveContent } from "../save-answer.ts";

const FORMATS = { html: "text/html", csv: "text/csv" } as const;

export type ReportOptions = Globals & { agent?: string; days?: string; format?: string; output: string };
export type ReportKind = "fleet" | "agent" | "item" | "aomei";

export async function report(kind: ReportKind, named: string | undefined, options: ReportOptions): Promise<Answer> {
  const format = formatOf(options);
  const days = options.days === undefined ? undefined : parseCount(options.days, "--days", [1, 366]);
  return await withClient(options, async (client) => {
    const id = named === undefined ? undefined : await idOf(client, kind, named, options.agent);
    const asked = { path: `/api/v1/reports/${kind}.${format}`, query: { id, days }, accept: FORMATS[format] };
    const { bytes } = await saveAnswer(client, options.output, asked);
    const document = { output: options.output, format, bytes };
    return { document, text: () => `${options.output}: ${bytesText(bytes)}.`, exitCode: EXIT.ok };
  });
}

/** As it was said, or as the file's ending says. */
function formatOf({ format, output }: ReportOptions): keyof typeof FORMATS {
  const meant = format ?? (/\.csv$/i.test(output) ? "csv" : "html");
  if (meant === "html" || meant === "csv") return meant;
  throw usageError(`--format takes html or csv, not ${JSON.stringify(meant)}`, "Correct it.");
}

async function idOf(client: Client, kind: ReportKind, named: string, agent: string | undefined): Promise<string> {
  if (kind === "agent") return await agentIdOf(client, named);
  if (kind !== "item") return named;
  const { agent_id, vm_context_id } = await findItem(client, named, agent);
  return `${agent_id}/${vm_context_id}`;
}

export type EvidenceOptions = Globals & {
  from: string;
  until: string;
  agent?: string;
  output: string;
  publicKey?: string;
};

/** The pack, its signature beside it as `.sig`, and where it is wanted the key that checks it. */
export async function evidence(options: EvidenceOptions): Promise<Answer> {
  const { output, publicKey } = options;
  const [from, until] = [parseMoment(options.from, "--from"), parseMoment(options.until, "--until")];
  return await withClient(options, async (client) => {
    const query = { ...(await agentQuery(client, options.agent)), from, until };
    const asked = { path: "/api/v1/evidence", query, accept: "application/json", check: checkPack };
    const saved = await saveAnswer(client, output, asked);
    await saveContent(`${output}.sig`, signatureOf(saved));
    if (publicKey !== undefined) await saveKey(client, publicKey);
    const files = { output, signature: `${output}.sig`, public_key: publicKey ?? null };
    const text = () => `${output}: ${bytesText(saved.bytes)}, signed in ${output}.sig.\n${checkText(options)}`;
    return { document: { ...files, pack_id: saved.sha256, bytes: saved.bytes, from, until }, text, exitCode: EXIT.ok };
  });
}

async function saveKey(client: Client, output: string): Promise<void> {
  const asked = { path: "/api/v1/evidence/public-key.pem", accept: "application/x-pem-file" };
  await saveAnswer(client, output, asked);
}

/** Whatever lies between here and the controller may have changed it. */
function checkPack(saved: Saved): void {
  if (saved.headers["x-holdfast-pack"] === saved.sha256 && signatureOf(saved).length > 0) return;
  throw new Failure("BAD_ANSWER", {
    message: "what came is not what the controller has signed",
    remedy: "Ask again; when that does not help, look at what lies between here and the controller.",
  });
}

function signatureOf({ headers }: Saved): Buffer {
  return Buffer.from(String(headers["x-holdfast-signature"] ?? ""), "base64");
}

function checkText({ output, publicKey = "evidence.pub" }: EvidenceOptions): string {
  return `To check it: openssl dgst -sha256 -verify ${publicKey} -signature ${output}.sig ${output}`;
}
