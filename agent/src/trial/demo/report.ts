/** What came of it, for people and for programs. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Answer, errorDocument, errorLines } from "../../cli/answer.ts";
import { EXIT, exitCodeOf } from "../../cli/exit-codes.ts";
import { bytesText, countText, secondsText } from "../../cli/format.ts";
import type { HoldfastError } from "../../errors.ts";
import { type Step, storyTable } from "../steps.ts";
import type { BackupAnswer } from "./answers.ts";
import type { Note } from "./control/context.ts";
import { type DemoPlace, shown } from "./place.ts";
import type { Proof } from "./story.ts";

const LIVE = "the policy runs every minute as long as this runs; what the admin is mailed is shown here as it comes";

export type Programs = { name: string; pid: number | null; restarts: number }[];

export type DemoFacts = {
  place: DemoPlace;
  url: string;
  agentId: string;
  steps: readonly Step[];
  notes: readonly Note[];
  proof: Proof;
  /** The backup of the proof as the API tells it last, and all of its item. */
  backup: BackupAnswer;
  backups: readonly BackupAnswer[];
  programs: Programs;
  /** Whether both programs go on running. */
  staysUp: boolean;
  warnings: readonly string[];
};

export async function provenAnswer(facts: DemoFacts): Promise<Answer> {
  const { place, url, agentId, steps, notes, proof, backup, backups, programs, warnings } = facts;
  const rootFingerprint = new X509Certificate(await readFile(place.ca)).fingerprint256
    .replaceAll(":", "")
    .toLowerCase();
  const document = {
    proven: true,
    backup_id: backup.backup_id,
    restore_seconds: proof.restoreSeconds,
    steps,
    notes,
    url,
    ca: place.ca,
    root_fingerprint: rootFingerprint,
    agent_id: agentId,
    backups,
    programs,
    ...{ config: place.config, data_dir: place.data, repository: place.repository, warnings },
  };
  const text = async (): Promise<string> =>
    [await storyTable(steps), ...provenLines(facts), "", ...whereLines(facts, rootFingerprint)].join("\n");
  return { document, text, exitCode: EXIT.ok };
}

function provenLines({ notes, proof, backup, backups, programs }: DemoFacts): string[] {
  const { verification, drill } = backup;
  const restarts = programs.filter((program) => program.restarts > 0);
  const times = restarts.map((program) => `${program.name} ${countText(program.restarts, "time")}`).join(", ");
  const said = restarts.length === 0 ? [] : [`started again meanwhile: ${times}; the truth is the same`];
  const completed = backups.filter(({ status }) => status === "completed");
  return [
    "",
    ...notes.flatMap(({ heading, lines }) => [`${heading}:`, ...lines.map((line) => `  ${line}`), ""]),
    `proven restorable: ${backup.backup_id} of ${backup.vm_name}, ${bytesText(backup.total_bytes)}, in ${secondsText(proof.restoreSeconds)} (measured)`,
    `how we know: the controller has ${countText(completed.length, "completed backup")}, each once; of this one`,
    `  verification ${verification?.verification_id} ${verification?.status}: every block against the hash map`,
    `  drill        ${drill?.drill_id} ${drill?.status}: restored to scratch space, compared, timed`,
    `  digest       ${backup.checksum?.hash_map} of that hash map, recorded when it was made`,
    ...said,
  ];
}

function whereLines({ place, url, agentId, notes, programs, staysUp }: DemoFacts, rootFingerprint: string): string[] {
  const pids = programs.map(({ name, pid }) => `${name} ${pid ?? "-"}`).join(", ");
  const again = [
    "again    npm start, which goes on from here",
    `anew     rm -r ${shown(place.folder)}, then npm start`,
  ];
  const check = `npx holdfast-agent --config ${shown(place.config)} repository check ${shown(place.repository)}`;
  if (!staysUp) return [`look     ${check}`, ...again];
  return [
    `API      ${url}`,
    `root     ${shown(place.ca)}   (for curl --cacert; sha256 ${rootFingerprint})`,
    `agent    ${agentId}`,
    `pids     ${pids}   (kill -9 one of them: it is started again, and nothing is lost or doubled)`,
    ...(notes.length === 0 ? [] : [`live     ${LIVE}`]),
    ...again,
    "",
    "From another terminal in this folder; the commands of docs/api.md go on from the first line:",
    `  export HOLDFAST_URL=${url} HOLDFAST_DATA_DIR=${place.data}`,
    "  npx holdfast backups list",
    "  npx holdfast policy list",
    '  curl --cacert "$HOLDFAST_DATA_DIR/pki/root.pem" -H "Authorization: Bearer $(npx holdfast access-token)" $HOLDFAST_URL/api/v1/backup/list',
    `  ${check}`,
  ];
}

export function failedAnswer(
  error: HoldfastError,
  { steps, place }: Pick<DemoFacts, "steps" | "place">,
  at: Date,
): Answer {
  const logs = [
    `logs     ${shown(place.controllerLog)}, ${shown(place.agentLog)}`,
    "again    npm start, which goes on where this ended",
    `anew     rm -r ${shown(place.folder)}, then npm start`,
  ].join("\n");
  const text = async (): Promise<string> =>
    `${await storyTable(steps)}\n\nNOT proven restorable: ${errorLines(error).join("\n")}\n\n${logs}`;
  const document = { proven: false, ...errorDocument(error, at), steps };
  return { document, text, exitCode: exitCodeOf(error) };
}
