/** `holdfast-agent trial`: the whole promise once, on a small disk of our own or on the user's. */
import { basename, relative, resolve } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { type Answer, errorDocument, errorLines } from "../cli/answer.ts";
import { EXIT, exitCodeOf } from "../cli/exit-codes.ts";
import { bytesText, countText, secondsText } from "../cli/format.ts";
import { type Host, runContext, withHost } from "../cli/host.ts";
import { asHoldfastError, type HoldfastError } from "../errors.ts";
import { initRepository } from "../repository/marker.ts";
import { withItem } from "../runner/item-lock.ts";
import {
  makePlace,
  placeOf,
  sourceOfDisk,
  TRIAL_ITEM,
  TRIAL_REPOSITORY,
  type TrialPlace,
  writeTrialConfig,
} from "./place.ts";
import { changeSampleDisk, makeSampleDisk } from "./sample-disk.ts";
import { type Step, startStory, storyTable } from "./steps.ts";
import { backUp, compareWithSample, drill, type TrialContext, verify } from "./story.ts";

export type TrialOptions = { disk?: string; folder?: string; json?: boolean };

/** What was proven in the end. */
type Proof = { backup: Sidecar; restoreSeconds: number };

const DEFAULT_FOLDER = ".holdfast";

/** Paths are meant from where the user stands; npm changes to the package's folder and tells where it came from. */
const userPath = (path: string): string => resolve(process.env["INIT_CWD"] ?? process.cwd(), path);

/** Runs the story; exit code 0 only when every step held. */
export async function trial(options: TrialOptions): Promise<Answer> {
  const disk = options.disk === undefined ? undefined : userPath(options.disk);
  const place = placeOf(options.folder === undefined ? resolve(DEFAULT_FOLDER) : userPath(options.folder), disk);
  const source = await sourceOfDisk(disk, place);
  await makePlace(place, disk === undefined);
  await initRepository(place.repository, TRIAL_REPOSITORY);
  await writeTrialConfig(place, disk === undefined ? "sample-server" : basename(disk), source);
  return await withHost({ config: place.config, json: options.json === true }, (host) => tellStory(host, place, disk));
}

async function tellStory(host: Host, place: TrialPlace, disk: string | undefined): Promise<Answer> {
  const story = startStory((step) => host.progress.update(step, 0, 0));
  const runs = await runContext(host);
  try {
    const tell = disk === undefined ? sampleStory : userStory;
    const proof = await withItem(runs, TRIAL_ITEM, "trial", (item) => tell({ runs: item, host, place, story }));
    return provenAnswer(host, place, story.steps, proof);
  } catch (error) {
    return failedAnswer(host, story.steps, asHoldfastError(error, "the trial"));
  } finally {
    host.progress.clear();
  }
}

/** Our own disk: full, a day's changes, an increment, and each proven. */
async function sampleStory(context: TrialContext): Promise<Proof> {
  const { story, place, host } = context;
  const first = await story.tell("make a disk", async () => {
    const value = await makeSampleDisk(place.disk, host.signal);
    return {
      value,
      what: `ext4 with ${countText(value.files.length, "file")}`,
      size: bytesText(value.size),
      result: "done",
    };
  });
  await verify(context, await backUp(context, "full"));
  const changed = await story.tell("change data", async () => {
    const value = await changeSampleDisk(first, host.signal);
    return { value, what: "one file added, one replaced, one deleted", size: "-", result: "done" };
  });
  const backup = await backUp(context, "auto");
  await verify(context, backup);
  const restoreSeconds = await drill(context, backup);
  await compareWithSample(context, backup, changed);
  return { backup, restoreSeconds };
}

/** The user's disk is only read: the second backup holds what changed on it meanwhile, if anything did. */
async function userStory(context: TrialContext): Promise<Proof> {
  await verify(context, await backUp(context, "auto"));
  const backup = await backUp(context, "auto");
  await verify(context, backup);
  return { backup, restoreSeconds: await drill(context, backup) };
}

function provenAnswer(host: Host, place: TrialPlace, steps: readonly Step[], proof: Proof): Answer {
  const { backup, restoreSeconds } = proof;
  const shown = (path: string): string =>
    relative(process.cwd(), path).startsWith("..") ? path : relative(process.cwd(), path);
  const lines = [
    "",
    `proven restorable: ${backup.backup_id} of ${backup.vm_name}, ${bytesText(backup.total_bytes)}, in ${secondsText(restoreSeconds)} (measured)`,
    "how we know: content verified against the hash map, then restored to scratch space and compared block by block",
    "",
    "look further:",
    `  npx holdfast-agent --config ${shown(place.config)} status`,
    `  npx holdfast-agent --config ${shown(place.config)} repository check`,
  ];
  const { backup_id } = backup;
  const facts = {
    proven: true,
    backup_id,
    restore_seconds: restoreSeconds,
    steps,
    config: place.config,
    repository: place.repository,
  };
  return { document: { ...facts, warnings: host.warnings }, text: () => toldText(steps, lines), exitCode: EXIT.ok };
}

function failedAnswer(host: Host, steps: readonly Step[], error: HoldfastError): Answer {
  const lines = ["", `NOT proven restorable: ${errorLines(error).join("\n")}`];
  const document = { proven: false, ...errorDocument(error, host.now()), steps, warnings: host.warnings };
  return { document, text: () => toldText(steps, lines), exitCode: exitCodeOf(error) };
}

async function toldText(steps: readonly Step[], lines: readonly string[]): Promise<string> {
  return [await storyTable(steps), ...lines].join("\n");
}
