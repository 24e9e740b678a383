/** `npm start`: a controller and an agent as real processes, and the whole promise once, through the API. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { vmNameInPath } from "@holdfast/protocol";
import { type Answer, printAnswer } from "../../cli/answer.ts";
import { type Host, withHost } from "../../cli/host.ts";
import { asHoldfastError } from "../../errors.ts";
import { acquireLock } from "../../repository/lock.ts";
import { shortDigest, sourceOfDisk } from "../place.ts";
import { type Story, startStory } from "../steps.ts";
import { backupAnswer } from "./answers.ts";
import { aomeiStory } from "./aomei.ts";
import { type Api, openApi } from "./api.ts";
import { agree } from "./compare.ts";
import type { DemoContext } from "./context.ts";
import type { Note } from "./control/context.ts";
import { catchMail, type MailCatcher } from "./control/mail-catcher.ts";
import { controlStory } from "./control/story.ts";
import { type DemoItem, define, whenConnected } from "./define.ts";
import { enrolHost } from "./enrol.ts";
import { type DemoPlace, makeDemoPlace, placeIn, writeAgentConfig, writeControllerConfig } from "./place.ts";
import { choosePorts, type DemoPorts, HOST } from "./ports.ts";
import { openPrograms, type RunningPrograms } from "./programs.ts";
import { failedAnswer, provenAnswer } from "./report.ts";
import { newChain, sampleStory, userStory } from "./story.ts";

export type DemoOptions = { disk?: string; folder?: string; once?: boolean; quick?: boolean; json?: boolean };

const DEFAULT_FOLDER = ".holdfast";

/** Paths are meant from where the user stands; npm changes to the package's folder and tells where it came from. */
const userPath = (path: string): string => resolve(process.env["INIT_CWD"] ?? process.cwd(), path);

/** Runs the story; with `once` resolves with what came of it, else prints it and runs on until Ctrl-C. */
export async function demo(options: DemoOptions): Promise<Answer | undefined> {
  const disk = options.disk === undefined ? undefined : userPath(options.disk);
  const place = placeIn(options.folder === undefined ? resolve(DEFAULT_FOLDER) : userPath(options.folder));
  const item = await itemOf(disk, place);
  forgetSettings();
  await makeDemoPlace(place);
  const lock = await acquireLock(place.lock, "npm start");
  try {
    await writeAgentConfig(place, disk ?? place.sampleDisk);
    await writeControllerConfig(place, HOST);
    return await withHost({ config: place.config, json: options.json === true }, (host) =>
      run(host, {
        place,
        item,
        isOurDisk: disk === undefined,
        once: options.once === true,
        quick: options.quick === true,
      }),
    );
  } finally {
    lock.release();
  }
}

async function itemOf(disk: string | undefined, place: DemoPlace): Promise<DemoItem> {
  const path = disk ?? place.sampleDisk;
  const source = await sourceOfDisk(disk, { disk: path });
  if (disk === undefined) return { vmContextId: "sample-server", vmName: "sample-server", source };
  const vmContextId = `${vmNameInPath(disk).slice(0, 50)}-${shortDigest(disk)}`;
  return { vmContextId, vmName: disk.slice(-200), source };
}

/** Settings of another agent or controller on this host are not the demonstration's. */
function forgetSettings(): void {
  for (const name of Object.keys(process.env))
    if (name.startsWith("HOLDFAST_") && name !== "HOLDFAST_DEBUG") delete process.env[name];
}

type Wish = { place: DemoPlace; item: DemoItem; isOurDisk: boolean; once: boolean; quick: boolean };

async function run(host: Host, wish: Wish): Promise<Answer | undefined> {
  const { place, once } = wish;
  const say = (sentence: string): void => {
    host.progress.clear();
    process.stderr.write(`${sentence}\n`);
  };
  const story = startStory((step) => (process.stderr.isTTY ? host.progress.update(step, 0, 0) : say(`step: ${step}`)));
  const ports = await choosePorts(place.portsFile);
  const mails = await catchMail(HOST, ports.smtp, ({ subject }) => say(`mail: ${subject}`));
  const programs = openPrograms(place, ports, { say, signal: host.signal });
  try {
    const answer = await tellStory(host, { ...wish, ports, programs, mails, story, say });
    if (once) return answer;
    await printAnswer(answer, host.json);
    say("both run on; Ctrl-C ends them");
    await programs.ended;
    if (!host.signal.aborted) throw programs.signal.reason;
    say("ending both");
    return undefined;
  } catch (error) {
    const known = programs.signal.aborted ? programs.signal.reason : error;
    return failedAnswer(asHoldfastError(known, "the demonstration"), { steps: story.steps, place }, host.now());
  } finally {
    host.progress.clear();
    await programs.stop();
    await mails.close();
  }
}

type Telling = Wish & {
  ports: DemoPorts;
  programs: RunningPrograms;
  mails: MailCatcher;
  story: Story;
  say: (sentence: string) => void;
};

async function tellStory(host: Host, telling: Telling): Promise<Answer> {
  const { place, item, programs, mails, story, say, isOurDisk, once, quick } = telling;
  const url = `https://${HOST}:${telling.ports.https}`;
  const { signal } = programs;
  const api = await startController(telling, url);
  const agentId = await enrol(telling, api, url);
  await story.tell("define", async () => {
    const { isNew } = await define({ api, agentId, signal }, item, place.repository);
    const what = `repository and item, over the API; the host allows them${isNew ? "" : " (there already)"}`;
    return { value: undefined, what, size: "-", result: "done" };
  });
  const { progress } = host;
  const startId = randomUUID();
  const isTerminal = process.stderr.isTTY === true && !host.json;
  const context: DemoContext = { api, agentId, item, place, story, startId, say, progress, isTerminal, signal };
  const first = await (isOurDisk ? sampleStory : userStory)(context);
  await aomeiStory(context);
  const notes: Note[] = [];
  const isWhole = isOurDisk && !quick;
  const proof = isWhole ? await controlStory({ ...context, programs, mails, notes }, await newChain(context)) : first;
  const { backups } = await agree(context);
  const backup = await api.read(`/api/v1/backup/${proof.backup.backup_id}?agent_id=${agentId}`, backupAnswer);
  const known = { place, url, agentId, steps: story.steps, notes, proof, backup, backups, warnings: host.warnings };
  return await provenAnswer({ ...known, programs: programs.now(), staysUp: !once });
}

async function startController({ place, programs, story, say }: Telling, url: string): Promise<Api> {
  return await story.tell("controller", async () => {
    await programs.startController();
    const value = openApi({
      url,
      ca: await readFile(place.ca, "utf8"),
      token: programs.accessToken,
      signal: programs.signal,
      onOutage: (isAway) => say(isAway ? "the controller does not answer: waiting for it" : "the controller is back"),
    });
    return { value, what: `${url}, with a certificate authority of its own`, size: "-", result: "ready" };
  });
}

async function enrol({ place, ports, programs, story }: Telling, api: Api, url: string): Promise<string> {
  const { signal } = programs;
  return await story.tell("enrol", async () => {
    const { agentId: value, isNew, tries } = await enrolHost({ api, place, ports, url, signal });
    programs.startAgent();
    await whenConnected({ api, agentId: value, signal });
    const again = tries > 1 ? `, asked ${tries} times` : "";
    const how = isNew ? `by a one-time token${again}` : "by an earlier start";
    return {
      value,
      what: `this host became agent ${value.slice(0, 8)}… ${how}; it is connected`,
      size: "-",
      result: "done",
    };
  });
}
